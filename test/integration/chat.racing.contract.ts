import { newId } from "../../lib/ids";
import type { Store } from "../../lib/store/collection";
import { conversationClosed, writingRefused } from "../../services/chat/access";
import { closed } from "../../services/chat/assignment";
import { type Conversation, newConversation } from "../../services/chat/conversation";
import { conversationStore } from "../../services/chat/conversation.store";
import type { Delivery } from "../../services/chat/delivery";
import { type Message, nextMessage } from "../../services/chat/message";
import { messageStore } from "../../services/chat/message.store";
import { messaging } from "../../services/chat/messaging";
import { seqs, upTo } from "./chat.parts";

const CUSTOMER = { id: "customer-1", name: "Kim" };

/** Two nodes that write in the same conversations, without anything between them but the store. */
export function chatRacing(name: string, open: () => Promise<{ store: Store; close: () => Promise<void> }>): void {
  describe(`conversations in ${name}`, () => {
    let close: () => Promise<void>;
    let conversations: ReturnType<typeof conversationStore>;
    let messages: ReturnType<typeof messageStore>;
    let delivered: { prevSeq: number; message: Message }[];
    let nodes: ReturnType<typeof messaging>[];

    beforeAll(async () => {
      const opened = await open();
      conversations = conversationStore(opened.store, () => undefined);
      messages = messageStore(opened.store);
      await conversations.collection.open();
      await messages.collection.open();
      close = async () => {
        await messages.collection.close();
        await conversations.collection.close();
        await opened.close();
      };
      const delivery = {
        message: (before: Conversation, message: Message) => void delivered.push({ prevSeq: before.lastSeq, message }),
      } as Delivery;
      nodes = upTo(2).map(() => messaging({ conversations, messages, delivery }));
    });
    afterAll(() => close());
    beforeEach(() => {
      delivered = [];
    });

    const opened = async () =>
      (await conversations.open(newConversation({ customer: { ...CUSTOMER, id: newId() } }))).conversation;

    const send = (node: number, { _id, customer }: Conversation, clientMsgId: string, senderId = customer.id) =>
      (nodes[node % 2] as (typeof nodes)[0]).send(_id, async () => ({
        conversation: (await conversations.get(_id)) as Conversation,
        draft: {
          clientMsgId,
          text: clientMsgId,
          kind: "message",
          sender: { id: senderId, name: "", role: "customer" },
        },
        refused: (current) => writingRefused(current, { id: senderId, agent: false }, "message"),
      }));

    const stored = async ({ _id, lastSeq }: Conversation, upToSeq = lastSeq): Promise<Message[]> =>
      (await messages.page(_id, { id: "", agent: true }, { after: 0, upTo: upToSeq, limit: 1000 })).items;
    const current = async ({ _id }: Conversation) => (await conversations.collection.get(_id)) as Conversation;
    const told = ({ outbox = [] }: Conversation) =>
      outbox.flatMap(({ type, data }) =>
        type === "chat.message.sent" ? [(data as { message: { seq: number; id: string } }).message] : [],
      );

    test("give each of many racing messages a seq of its own, without a hole, and tell each once and in order", async () => {
      const conversation = await opened();
      const sent = await Promise.all(
        upTo(200).map((i) => send(i, conversation, `m-${i}`, ["a", "b", "c"][i % 3] as string)),
      );
      expect(seqs(sent.map(({ message }) => message)).sort((a, b) => a - b)).toEqual(upTo(200));
      const after = await current(conversation);
      expect([after.lastSeq, after.publicSeq]).toEqual([200, 200]);
      const kept = await stored(after);
      expect(seqs(kept)).toEqual(upTo(200));
      expect(told(after).map(({ id }) => id)).toEqual(kept.map(({ _id }) => _id));
      expect(seqs(delivered.map(({ message }) => message)).sort((a, b) => a - b)).toEqual(upTo(200));
      for (const { prevSeq, message } of delivered) expect(prevSeq).toBe(message.seq - 1);
    });

    test("store a message once that is sent many times on two nodes", async () => {
      const conversation = await opened();
      const sent = await Promise.all(upTo(60).map((i) => send(i, conversation, `m-${i % 3}`)));
      const after = await current(conversation);
      expect(after.lastSeq).toBe(3);
      expect(seqs(told(after))).toEqual(upTo(3));
      expect(sent.filter(({ isNew }) => isNew).length).toBeLessThanOrEqual(3);
      for (const { message } of sent) expect((await messages.get(message._id))?.text).toBe(message.clientMsgId);
    });

    test.each(["a retry", "the next message"])(
      "take in by %s what a dead node had stored and not committed",
      async (by) => {
        const conversation = await opened();
        await send(0, conversation, "m-1");
        const draft = { clientMsgId: "m-2", text: "m-2", kind: "message" as const };
        const sender = { id: conversation.customer.id, name: "", role: "customer" as const };
        const lost = nextMessage(await current(conversation), { ...draft, sender });
        expect(await messages.insert(lost)).toBe(true);
        // It is not there for anybody yet.
        expect(seqs(await stored(await current(conversation)))).toEqual([1]);
        const sent = await send(1, conversation, by === "a retry" ? "m-2" : "m-3");
        const expected = by === "a retry" ? { seq: 2, isNew: false } : { seq: 3, isNew: true };
        expect({ seq: sent.message.seq, isNew: sent.isNew }).toEqual(expected);
        const after = await current(conversation);
        expect(seqs(await stored(after))).toEqual(upTo(expected.seq));
        expect(seqs(told(after))).toEqual(upTo(expected.seq));
        expect((await send(0, conversation, "m-2")).message.seq).toBe(2);
      },
    );

    test("that are closed between the storing and the committing of a message are without it", async () => {
      const conversation = await opened();
      const apply = conversations.apply;
      const spy = jest.spyOn(conversations, "apply").mockImplementationOnce(async (transition) => {
        await apply(closed(await current(conversation), new Date().toISOString()));
        return apply(transition);
      });
      await expect(send(0, conversation, "m-1")).rejects.toMatchObject({ code: 409, type: "CONVERSATION_CLOSED" });
      spy.mockRestore();
      const after = await current(conversation);
      expect([after.lastSeq, told(after), await stored(after, 1000)]).toEqual([0, [], []]);
    });

    test("that are closed in between have nothing more in them, and answer what they have", async () => {
      for (let round = 0; round < 5; round++) {
        const conversation = await opened();
        const sending = upTo(20).map((i) => send(i, conversation, `m-${i}`));
        let ended: Conversation | null = null;
        while (!ended) ended = await conversations.apply(closed(await current(conversation), new Date().toISOString()));
        const results = await Promise.allSettled(sending);
        const after = await current(conversation);
        const kept = await stored(after, 1000);
        expect(seqs(kept)).toEqual(upTo(after.lastSeq));
        expect(seqs(told(after))).toEqual(upTo(after.lastSeq));
        const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
        expect(refused).toHaveLength(20 - after.lastSeq);
        for (const reason of refused) expect(reason).toMatchObject({ type: conversationClosed().type });
        await expect(send(0, conversation, "m-late")).rejects.toMatchObject({ code: 409, type: "CONVERSATION_CLOSED" });
        for (const { clientMsgId, seq } of kept)
          expect((await send(1, conversation, clientMsgId)).message.seq).toBe(seq);
      }
    });
  });
}
