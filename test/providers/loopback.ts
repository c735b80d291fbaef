import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../integration/node";

/** What becomes of requests for a path instead of an answer; where it is slow, that comes after {@link SLOW_MS}. */
export type Fault = "slow" | "hang" | "drip" | "broken" | "huge" | "garbage" | "reset";

export interface Asked {
  method: string;
  path: string;
  /** Of the URL and, with POST, of the form. */
  params: URLSearchParams;
  authorization: string;
  cookie: string;
}

export interface Answer {
  status?: number;
  json?: object;
  html?: string;
  location?: string;
}

/** Of a huge answer, if somebody reads it. */
export const HUGE_BYTES = 64 * 1024 * 1024;
const DRIP_MS = 200;
const SLOW_MS = 7000;

async function read(request: IncomingMessage): Promise<Asked> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://provider");
  const params = new URLSearchParams([...searchParams, ...new URLSearchParams(text)]);
  const { authorization = "", cookie = "" } = request.headers;
  return { method: request.method ?? "", path: pathname, params, authorization, cookie };
}

function misbehave(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  const json = { "Content-Type": "application/json" };
  if (fault === "reset") request.socket.destroy();
  else if (fault === "broken") response.writeHead(500, json).end('{"error":"server_error"}');
  else if (fault === "garbage") response.writeHead(200, json).end('{"access_token":');
  else if (fault === "drip") {
    response.writeHead(200, json).write("{");
    const timer = setInterval(() => response.write(" "), DRIP_MS);
    response.once("close", () => clearInterval(timer));
  }
}

/** Answers with text as long as somebody reads it; resolves with how much left this process. */
async function sendHuge({ socket }: IncomingMessage, response: ServerResponse): Promise<number> {
  const before = socket.bytesWritten;
  const chunk = "a".repeat(1 << 16);
  function* chunks() {
    yield '{"access_token":"';
    for (let sent = 0; sent < HUGE_BYTES; sent += chunk.length) yield chunk;
    yield '"}';
  }
  response.writeHead(200, { "Content-Type": "application/json" });
  await pipeline(Readable.from(chunks()), response).catch(() => undefined);
  return socket.bytesWritten - before;
}

/** A provider on a loopback port; what it is asked is kept, and paths can be made to fail. */
export abstract class LoopbackProvider {
  readonly asked: Asked[] = [];
  readonly faults = new Map<string, Fault>();
  /** Tokens that it issued and PKCE verifiers that it was shown: nobody else may ever see one. */
  readonly secrets: string[] = [];
  origin = "";
  /** Bytes of the last huge answer that were taken. */
  hugeSent: Promise<number> = Promise.resolve(0);
  private readonly server = createServer((request, response) => {
    this.handle(request, response).catch(() => request.socket.destroy());
  });

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.origin = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  /** Whoever waits for an answer gets none. */
  hangUp(): void {
    this.server.closeAllConnections();
  }

  count(path: string): number {
    return this.asked.filter((one) => one.path === path).length;
  }

  /** Resolves once it was asked for a path more often than `before`. */
  async whenAskedAgain(path: string, before: number): Promise<void> {
    await eventually(() => this.count(path) > before);
  }

  /** How often it issued tokens. */
  abstract issued(): Promise<number>;

  protected abstract answer(asked: Asked): Answer | Promise<Answer>;

  /** A token that is told apart from all others in whatever it might leak to. */
  protected newSecret(): string {
    const secret = randomBytes(24).toString("base64url");
    this.secrets.push(secret);
    return secret;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await read(request);
    this.asked.push(asked);
    const fault = this.faults.get(asked.path);
    if (fault === "huge") {
      this.hugeSent = sendHuge(request, response);
      return;
    }
    if (fault === "slow") await delay(SLOW_MS);
    else if (fault) return misbehave(fault, request, response);
    const { status, json, html, location } = await this.answer(asked);
    if (location) response.writeHead(302, { Location: location }).end();
    else if (html) response.writeHead(status ?? 200, { "Content-Type": "text/html; charset=utf-8" }).end(html);
    else response.writeHead(status ?? 200, { "Content-Type": "application/json" }).end(JSON.stringify(json));
  }
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** A page that asks who signs in and whether they agree, and sends that back with what it was asked for. */
export function consentPage(action: string, params: URLSearchParams): string {
  const hidden = [...params].map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}"/>`);
  const query = escaped(new URLSearchParams([...params, ["cancel", "1"]]).toString());
  return `<!DOCTYPE html><html lang="ko"><body><form method="post" action="${action}">${hidden.join("")}
<input type="text" name="login" placeholder="아이디"/><input type="password" name="password"/>
<button type="submit">동의하고 계속하기</button></form><a href="${action}?${query}">취소</a></body></html>`;
}
