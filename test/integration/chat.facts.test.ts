import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chatCrashPoints } from "../../services/chat/chat.crash-points";
import type { ChatFact } from "../../services/chat/chat.events";
import { ChatLab, seqs, upTo } from "./chat.parts";
import { eventually } from "./node";
import { killedAt } from "./victims";

test("the topic has each fact of a conversation once and in order, notes too", async () => {
  const lab = await ChatLab.start();
  try {
    const customer = await lab.person("customer", "Kim");
    const agent = await lab.person("agent", "Lee");
    const { id } = await lab.open(customer, { subject: "Help", text: "1" });
    await lab.ask(agent, "claim", { id });
    await Promise.all(upTo(30).map((i) => lab.send(i % 2 ? agent : customer, id, `${i}`)));
    await lab.send(agent, id, "psst", { kind: "note" });
    await lab.ask(customer, "close", { id });
    const facts = await eventually(async () => {
      const seen = await lab.facts(id);
      return seen.length >= 35 && seen;
    });
    expect(facts.map(({ type }) => type)).toEqual([
      "chat.conversation.opened",
      "chat.message.sent",
      "chat.conversation.assigned",
      ...upTo(31).map(() => "chat.message.sent"),
      "chat.conversation.closed",
    ]);
    expect(new Set(facts.map((fact) => fact.id)).size).toBe(35);
    const messages = facts.flatMap(({ type, data }) =>
      type === "chat.message.sent" ? [data as ChatFact<"chat.message.sent">] : [],
    );
    expect(seqs(messages.map(({ message }) => message))).toEqual(upTo(32));
    expect(messages[0]).toMatchObject({ conversationId: id, customerId: customer.id, agentId: null });
    expect(messages.at(-1)).toMatchObject({
      agentId: agent.id,
      message: { kind: "note", text: "psst", sender: { id: agent.id, name: "Lee", role: "agent" } },
    });
    expect(facts[0]).toMatchObject({
      source: "/chat",
      subject: id,
      data: { conversationId: id, conversation: { status: "queued", customer: { name: "Kim" }, agent: null } },
    });
    expect(facts.at(-1)).toMatchObject({ data: { conversation: { status: "closed", agent: { id: agent.id } } } });
  } finally {
    await lab.stop();
  }
});

interface Victim {
  customerId: string;
  conversationId: string;
}

/** Resolves when the process was killed at the point; rejects when it got past it. */
const crash = (dataDir: string, at: string) => killedAt<Victim>("chat.victim", at, { DATA_DIR: dataDir });

test.each(["chat.stored", "chat.committed"] as const)(
  "a message that a node died over at %s is there once",
  async (at) => {
    expect(chatCrashPoints).toContain(at);
    const dataDir = mkdtempSync(join(tmpdir(), "shop-"));
    const { customerId, conversationId: id } = await crash(dataDir, at);
    const lab = await ChatLab.start({ DATA_DIR: dataDir });
    try {
      const customer = { id: customerId, name: "Kim", meta: lab.metaOf(customerId, "customer") };
      const committed = at === "chat.committed";
      expect(await lab.find(customer, id)).toMatchObject({ lastSeq: committed ? 1 : 0 });
      expect(await lab.send(customer, id, "two")).toMatchObject({ seq: 2 });
      const retry = await lab.answered(customer, "send", { id, clientMsgId: "m-1", text: "one" });
      expect(retry).toMatchObject({ status: 200, result: { seq: 1, text: "one" } });
      expect((await lab.history(customer, id)).items.map(({ text }) => text)).toEqual(["one", "two"]);
      const facts = await eventually(async () => {
        const seen = await lab.facts(id);
        return seen.length >= 3 && seen;
      });
      expect(facts.map(({ type }) => type)).toEqual([
        "chat.conversation.opened",
        "chat.message.sent",
        "chat.message.sent",
      ]);
    } finally {
      await lab.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
);
