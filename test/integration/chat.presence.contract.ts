import { newId } from "../../lib/ids";
import type { Presence } from "../../services/chat/presence/presence";
import { eventually } from "./node";

const LEASE_MS = 200;

/** One that also says what it keeps. */
export interface Measured extends Presence {
  size(): Promise<{ leases: number; users: number }>;
}

/** What the chat relies on, wherever presence is kept. `make` gives instances that share what they keep. */
export function presenceContract(make: (leaseMs: number) => Promise<Measured[]>): void {
  let presences: Measured[] = [];
  let one: Measured;
  let other: Measured;
  const start = async (leaseMs = 60_000) => {
    presences = await make(leaseMs);
    [one, other] = [presences[0], presences.at(-1)] as [Measured, Measured];
  };
  afterEach(() => Promise.all(presences.map((presence) => presence.close())));

  const connection = (userId: string, connectionId = newId()) => ({ userId, connectionId });
  const isOnline = async (userId: string) => (await one.online([userId])).has(userId);

  test("a user is online from the first connection to the end of the last one, each told of once", async () => {
    await start();
    const [first, second] = [connection("kim"), connection("kim")];
    expect(await one.renew([first])).toEqual(["kim"]);
    expect(await other.renew([second])).toEqual([]);
    expect(await other.renew([first, second])).toEqual([]);
    expect(await other.end(first)).toBe(false);
    expect(await isOnline("kim")).toBe(true);
    expect(await one.end(second)).toBe(true);
    expect(await other.end(second)).toBe(false);
    expect(await isOnline("kim")).toBe(false);
  });

  test("who was never there is not online, and ending what is not there changes nothing", async () => {
    await start();
    await one.renew([connection("lee", "c")]);
    expect(await one.end(connection("lee", "another"))).toBe(false);
    expect(await one.end(connection("nobody", "c"))).toBe(false);
    expect(await one.online(["lee", "nobody"])).toEqual(new Set(["lee"]));
    expect(await one.online([])).toEqual(new Set());
  });

  test("a lease that is not renewed ends, and of two who look one tells of it", async () => {
    await start(LEASE_MS);
    const kept = connection("kept");
    await one.renew([kept, connection("dead"), connection("dead")]);
    const told = await eventually(async () => {
      await other.renew([kept]);
      const both = (await Promise.all([one.reap(), other.reap()])).flat();
      return both.length > 0 && both;
    });
    expect(told).toEqual(["dead"]);
    expect(await isOnline("dead")).toBe(false);
    expect(await isOnline("kept")).toBe(true);
    expect(await one.renew([connection("dead")])).toEqual(["dead"]);
  });

  test("two who come and go at once are told of once", async () => {
    await start();
    const connections = Array.from({ length: 20 }, () => connection("kim"));
    const came = await Promise.all(connections.map((one_, index) => (index % 2 ? one : other).renew([one_])));
    expect(came.flat()).toEqual(["kim"]);
    const went = await Promise.all(connections.map((one_, index) => (index % 2 ? one : other).end(one_)));
    expect(went.filter(Boolean)).toHaveLength(1);
  });

  test("5,000 connections that come and go leave nothing behind", async () => {
    await start();
    const cycle = async (number: number) => {
      const mine = connection(`user-${number % 700}`);
      await one.renew([mine]);
      await other.end(mine);
    };
    for (let start = 0; start < 5000; start += 250)
      await Promise.all(Array.from({ length: 250 }, (_, index) => cycle(start + index)));
    expect(await one.size()).toEqual({ leases: 0, users: 0 });
  });

  test("renews thousands at once", async () => {
    await start();
    const connections = Array.from({ length: 3000 }, (_, number) => connection(`user-${number % 1000}`, `c-${number}`));
    expect((await one.renew(connections)).length).toBe(1000);
    expect(await other.renew(connections)).toEqual([]);
    expect(await one.size()).toEqual({ leases: 3000, users: 1000 });
  });
}
