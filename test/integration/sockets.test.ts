import { conflict } from "../../lib/errors";
import { register } from "./auth.accounts";
import { eventually } from "./node";
import {
  call,
  connected,
  type Gateway,
  heard,
  open,
  type Problem,
  refusedWith,
  StandIn,
  startShop,
} from "./sockets.parts";

const standIn = new StandIn();
let shop: Gateway;

beforeAll(async () => {
  shop = await startShop(standIn);
});
afterAll(() => shop.stop());
beforeEach(() => {
  standIn.calls.length = 0;
});

const customer = () => register(shop);
const connect = async (options = {}) => {
  const account = await customer();
  return { account, client: await connected(open(shop.url, account.accessToken, options)) };
};

describe("the handshake", () => {
  it("refuses whoever has no valid token, and says why", async () => {
    const { accessToken } = await customer();
    const [header, , signature] = accessToken.split(".");
    const forged = Buffer.from(JSON.stringify({ sub: "u", sid: "s", roles: ["admin"] })).toString("base64url");
    expect(await refusedWith(open(shop.url, undefined))).toBe("UNAUTHENTICATED");
    expect(await refusedWith(open(shop.url, "x"))).toBe("BAD_TOKEN");
    expect(await refusedWith(open(shop.url, `${header}.${forged}.${signature}`))).toBe("BAD_TOKEN");
    expect(await refusedWith(open(shop.url, undefined, { auth: { token: { $gt: "" } } }))).toBe("UNAUTHENTICATED");
  });

  it("refuses a page of another origin over both transports, and lets in those of our own host and machine", async () => {
    const { accessToken } = await customer();
    for (const transport of ["websocket", "polling"]) {
      const from = (origin: string) =>
        open(shop.url, accessToken, { transports: [transport], extraHeaders: { origin } });
      expect(await refusedWith(from("https://evil.example"))).toMatch(/error/);
      expect(await refusedWith(from("null"))).toMatch(/error/);
      expect((await connected(from(shop.url))).connected).toBe(true);
      expect((await connected(from("http://localhost:5173"))).connected).toBe(true);
    }
  });

  it("knows no other namespace", async () => {
    const { accessToken } = await customer();
    expect(await refusedWith(open(`${shop.url}/admin`, accessToken))).toBe("Invalid namespace");
  });

  it.each(["websocket", "polling"])("tells chat who comes and goes over %s", async (transport) => {
    const { account, client } = await connect({ transports: [transport] });
    const id = client.id ?? "";
    await eventually(() => standIn.connected.get(id) === account.user.id);
    expect(standIn.made("connect").at(-1)?.params).toMatchObject({ agent: false });
    client.disconnect();
    await eventually(() => !standIn.connected.has(id));
  });
});

describe("a call", () => {
  it("reaches its action as the caller, with its conversation as id", async () => {
    const { account, client } = await connect();
    const sent = { conversationId: "c1", clientMsgId: "k1", text: "hello" };
    expect(await call(client, "chat.send", sent)).toMatchObject({ conversationId: "c1", user: account.user.id });
    const [made] = standIn.made("send");
    expect(made?.params).toEqual({ id: "c1", clientMsgId: "k1", text: "hello" });
    expect(made?.meta.traceparent).toMatch(/^00-/);
    expect(made?.requestID).toBeTruthy();
    expect(made?.meta.clientIp).toBe("127.0.0.1");
  });

  it.each([
    "nothing",
    "",
    "api.broadcast",
    "api.call",
    "$node.options",
    "chat.inner",
    "chat.connect",
    "chat.heads",
    "auth.jwks",
    "users.me",
    "__proto__",
    "constructor",
    7,
    null,
    ["chat.send"],
    { name: "chat.send" },
  ])("of %p is refused", async (name) => {
    const { client } = await connect();
    await expect(call(client, name, {})).rejects.toMatchObject({ status: 404, code: "NOT_FOUND" });
  });

  it("of somebody without the role is refused", async () => {
    const { client } = await connect();
    const refused = call(client, "chat.claim", { conversationId: "c1" });
    await expect(refused).rejects.toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(standIn.made("claim")).toEqual([]);
  });

  it("answers problems as REST does, and nothing of what went wrong inside", async () => {
    const { client } = await connect();
    const send = (params: object) => call(client, "chat.send", { conversationId: "c1", clientMsgId: "k", ...params });
    await expect(send({ text: "full" })).rejects.toMatchObject({ status: 409, code: "CONVERSATION_CLOSED" });
    const bug = await send({ text: "bug" }).catch((error: Problem) => error);
    expect(bug).toMatchObject({ status: 500, code: "INTERNAL_ERROR" });
    expect(JSON.stringify(bug)).not.toContain("secret");
    const invalid = (params: object) => send(params).catch((error: Problem) => error.errors?.map(({ path }) => path));
    expect(await invalid({})).toEqual(["text"]);
    expect(await invalid({ text: "a", conversationId: "" })).toContain("conversationId");
    for (const conversationId of [{ toString: 1 }, 7, null, ["c1"]])
      expect(await invalid({ text: "a", conversationId })).toContain("conversationId");
    expect(await invalid({ text: "a", id: "c2" })).toEqual(["id"]);
    expect(await invalid({ text: "a", more: 1 })).toEqual(["more"]);
    expect(await invalid(JSON.parse('{"text":"a","__proto__":{"x":1}}'))).toEqual(["__proto__"]);
    expect(await invalid({ text: "half a \uD83D" })).toEqual(["text"]);
    for (const params of [[], "text", 1])
      await expect(call(client, "chat.send", params)).rejects.toMatchObject({ status: 422 });
    await expect(call(client, "chat.history", { conversationId: "c1" })).rejects.toMatchObject({
      status: 503,
      retryAfter: expect.any(Number),
    });
  });

  it("cannot make the socket somebody else's", async () => {
    const { account, client } = await connect();
    await call(client, "chat.open", {});
    const queue = heard(client, "chat.queue");
    shop.deliver({ to: { role: "agent" }, event: "chat.queue", payload: { length: 1 } });
    shop.deliver({ to: { users: ["somebody"] }, event: "chat.queue", payload: { length: 2 } });
    shop.deliver({ to: { users: [account.user.id] }, event: "chat.queue", payload: { length: 3 } });
    expect(await queue).toEqual({ length: 3 });
    expect(await call(client, "chat.send", { conversationId: "c1", clientMsgId: "k", text: "a" })).toMatchObject({
      user: account.user.id,
    });
  });

  it("keeps the order of messages to a conversation", async () => {
    const { client } = await connect();
    let first = true;
    standIn.before = async (name) => {
      if (name !== "send" || !first) return;
      first = false;
      // Asked after the others, and answered: they had the time to get here.
      await call(client, "chat.typing", { conversationId: "c1", typing: true });
      throw conflict("LATE", "Too late.");
    };
    const sends = ["a", "b", "c"].map((text) =>
      call(client, "chat.send", { conversationId: "c1", clientMsgId: text, text }),
    );
    await Promise.allSettled(sends);
    standIn.before = () => undefined;
    expect(standIn.made("send").map(({ params }) => params.text)).toEqual(["a", "b", "c"]);
  });

  it("without a callback, or of nonsense, harms nothing", async () => {
    const { client } = await connect();
    client.emit("call", "chat.typing", { conversationId: "c1", typing: true });
    client.emit("call", "chat.typing");
    client.emit("call");
    client.emit("call", () => undefined);
    client.emit("other", { a: 1 });
    client.emit("call", "chat.typing", Buffer.from("a"), 1, 2, 3);
    await eventually(() => standIn.made("typing").length === 1);
    expect(await call(client, "chat.typing", { conversationId: "c1", typing: false })).toBeNull();
  });

  it("of more than 64 kB ends its socket alone", async () => {
    const { client } = await connect();
    const { client: other } = await connect();
    const gone = heard(client, "disconnect");
    client.emit("call", "chat.send", { text: "x".repeat(70_000) });
    await gone;
    expect(await call(other, "chat.typing", { conversationId: "c1", typing: false })).toBeNull();
  });

  it("that is no packet of Socket.IO ends its socket alone", async () => {
    const { client } = await connect();
    const { client: other } = await connect();
    const gone = heard(client, "disconnect");
    client.io.engine.write('51-["call",{"_placeholder":true,"num":7}');
    await gone;
    expect(await call(other, "chat.typing", { conversationId: "c1", typing: false })).toBeNull();
  });
});
