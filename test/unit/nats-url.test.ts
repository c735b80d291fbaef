import { inspect } from "node:util";
import { EnvironmentError, readEnvironment } from "../../lib/environment";
import { natsServers } from "../../lib/nats-url";

const login = (url: string) => natsServers(url).authenticator as (() => unknown) | undefined;

it.each([
  ["nats://a:4222", ["a:4222"], undefined],
  ["nats://a", ["a:4222"], undefined],
  ["nats://a:1, nats://[::1]:2", ["a:1", "[::1]:2"], undefined],
  ["tls://a:1,tls://b:2", ["a:1", "b:2"], {}],
  ["nats://a:1,tls://b:2", ["a:1", "b:2"], {}],
])("%s is servers and whether they have to encrypt", (url, servers, tls) => {
  expect(natsServers(url)).toEqual({ servers, ...(tls && { tls }) });
});

it.each([
  ["nats://shop:p%40ss%3A@a:1", { user: "shop", pass: "p@ss:" }],
  ["nats://to%2Fken@a:1", { auth_token: "to/ken" }],
  ["nats://shop:secret@a:1,nats://shop:secret@b:2,nats://c:3", { user: "shop", pass: "secret" }],
])("%s is a login that nobody sees in what is printed", (url, expected) => {
  expect(login(url)?.()).toEqual(expected);
  expect(inspect(natsServers(url), { depth: null, showHidden: true })).not.toMatch(/p@ss|to\/ken|secret/);
});

it.each([
  "nats://shop:secret@",
  "nats://shop:secret@a:99999",
  "nats://shop:sec%ret@a:1",
  "nats://:secret@a:1",
  "http://shop:secret@a:1",
  "nats://shop:secret@a:1,",
  "nats://shop:secret@a:1,nats://shop:other@b:2",
  "shop:secret@a",
])("%s is refused by its variable's name, and not quoted", (NATS_URL) => {
  expect(() => readEnvironment({ NATS_URL })).toThrow(EnvironmentError);
  expect(() => readEnvironment({ NATS_URL })).toThrow(/^NATS_URL must /);
  expect(() => readEnvironment({ NATS_URL })).not.toThrow(/sec/);
});
