import { readerOf, visibleSeq, writingRefused } from "../../services/chat/access";
import { type Conversation, messageCommitted, newConversation } from "../../services/chat/conversation";
import { changing, type Draft, messageId, messageView, nextMessage } from "../../services/chat/message";
import { inTurns } from "../../services/chat/turns";
import { conversationView } from "../../services/chat/view";

const KIM = { id: "kim", name: "Kim" };
const LEE = { id: "lee", name: "Lee" };
const conversation = (more: Partial<Conversation> = {}): Conversation => ({
  ...newConversation({ customer: KIM }),
  ...more,
});
const assigned = (more: Partial<Conversation> = {}) => conversation({ status: "assigned", agent: LEE, ...more });
const draft = (more: Partial<Draft> = {}): Draft => ({
  clientMsgId: "m-1",
  text: "Hello",
  kind: "message",
  sender: { ...KIM, role: "customer" },
  ...more,
});
const byLee = { sender: { ...LEE, role: "agent" as const } };

describe("ids of messages", () => {
  it("sort by seq within a conversation, and below every change that is not placed yet", () => {
    const ids = [1, 2, 9, 10, 99, 100, 1_000_000_000].map((seq) => messageId("c", seq));
    expect([...ids].sort()).toEqual(ids);
    expect(changing("c") > (ids.at(-1) ?? "")).toBe(true);
  });
});

describe("a message that is committed", () => {
  const changeOf = (before: Conversation, given: Draft) => messageCommitted(before, nextMessage(before, given));

  it("moves the last seq on, only from the one before it, in an open conversation with the same agent", () => {
    const before = assigned({ lastSeq: 4, publicSeq: 3 });
    const { from, change } = changeOf(before, draft());
    expect(from).toEqual({ _id: before._id, lastSeq: 4, status: { $ne: "closed" }, "agent.id": "lee" });
    expect(change.$set).toMatchObject({ lastSeq: 5, publicSeq: 5, outboxLast: expect.any(String) });
    const data = { conversationId: before._id, customerId: "kim", agentId: "lee", message: { seq: 5, text: "Hello" } };
    expect(change.$push).toMatchObject({ outbox: { $each: [{ type: "chat.message.sent", data }] } });
  });

  it.each([
    ["a customer's", assigned(), draft(), []],
    ["an agent's note", assigned(), draft({ ...byLee, kind: "note" }), []],
    ["the agent's first", assigned(), draft(byLee), ["answeredAt", "firstResponseAt"]],
    ["the agent's next", assigned({ answeredAt: "t", firstResponseAt: "t" }), draft(byLee), []],
    ["the first of a second agent", assigned({ firstResponseAt: "t" }), draft(byLee), ["answeredAt"]],
    ["one of an agent who has it no more", conversation(), draft(byLee), ["firstResponseAt"]],
  ])("says whether the customer was answered: %s", (_, before, given, fields) => {
    const set = changeOf(before, given).change.$set ?? {};
    expect(Object.keys(set).filter((field) => field === "answeredAt" || field === "firstResponseAt")).toEqual(fields);
  });

  it("is not what the customer sees last where it is a note", () => {
    const set = changeOf(assigned({ lastSeq: 4, publicSeq: 3 }), draft({ ...byLee, kind: "note" })).change.$set;
    expect(set).toMatchObject({ lastSeq: 5 });
    expect(set).not.toHaveProperty("publicSeq");
  });

  it("shows clients nothing of how it is kept", () => {
    expect(Object.keys(messageView(nextMessage(conversation(), draft()))).sort()).toEqual(
      ["clientMsgId", "conversationId", "createdAt", "id", "kind", "sender", "seq", "text"].sort(),
    );
  });
});

describe("who may write", () => {
  const customer = { id: "kim", agent: false };
  const lee = { id: "lee", agent: true };
  const other = { id: "park", agent: true };
  const closed = assigned({ status: "closed" });

  it.each([
    ["a customer who waits", conversation(), customer, "message", undefined],
    ["a customer with an agent", assigned(), customer, "message", undefined],
    ["a customer, a note", assigned(), customer, "note", "FORBIDDEN"],
    ["a customer where it is over", closed, customer, "message", "CONVERSATION_CLOSED"],
    ["an agent in theirs", assigned(), lee, "message", undefined],
    ["an agent in another's", assigned(), other, "message", "NOT_ASSIGNED"],
    ["an agent in one that waits", conversation(), lee, "message", "NOT_ASSIGNED"],
    ["an agent, a note in another's", assigned(), other, "note", undefined],
    ["an agent, a note where it is over", closed, other, "note", "CONVERSATION_CLOSED"],
  ] as const)("%s: %#", (_, where, reader, kind, code) => {
    expect(writingRefused(where, reader, kind)?.type).toBe(code);
  });

  it("is the customer of one's own conversation, whatever else one is", () => {
    const caller = { id: "kim", roles: ["customer" as const, "agent" as const], sid: "s" };
    expect(readerOf(conversation(), caller)).toEqual({ id: "kim", agent: false });
    expect(readerOf(conversation({ customer: LEE }), caller)).toEqual({ id: "kim", agent: true });
  });
});

describe("a conversation's view", () => {
  const given = assigned({ lastSeq: 5, publicSeq: 3, labels: ["angry"] });

  it("has notes and labels for agents only", () => {
    expect(visibleSeq(given, { agent: false })).toBe(3);
    expect(conversationView(given, { id: "kim", agent: false }, { unread: 0 })).toMatchObject({
      lastSeq: 3,
      labels: [],
    });
    expect(conversationView(given, { id: "lee", agent: true }, { unread: 2 })).toMatchObject({
      lastSeq: 5,
      unread: 2,
      labels: ["angry"],
    });
  });

  it("has no more than the contract names", () => {
    expect(Object.keys(conversationView(given, { id: "lee", agent: true }, { unread: 2 })).sort()).toEqual(
      ["agent", "createdAt", "customer", "id", "labels", "lastSeq", "status", "unread"].sort(),
    );
  });
});

describe("turns", () => {
  it("are taken one after the other, also after one that failed, and at once under another name", async () => {
    const inTurn = inTurns();
    const log: string[] = [];
    const work =
      (name: string, fails = false) =>
      async () => {
        log.push(`${name} begins`);
        await Promise.resolve();
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const results = await Promise.allSettled([
      inTurn("a", work("a1", true)),
      inTurn("a", work("a2")),
      inTurn("b", work("b1")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(log).toEqual(["a1 begins", "b1 begins", "a1 ends", "b1 ends", "a2 begins", "a2 ends"]);
  });
});
