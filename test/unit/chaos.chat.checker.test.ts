import type { Received } from "../../lib/topics/topics";
import { check } from "../chaos/chat/checker";
import type { ChatEvidence } from "../chaos/chat/evidence";
import { aTalk, eventIn, faultless, type Run, rewritten, runOf, type Step } from "./chaos.chat.parts";

const CONVERGED_MS = 1000;

/** The names of the checks that found something, with what. */
const violated = (evidence: ChatEvidence) =>
  Object.fromEntries(
    check(evidence, CONVERGED_MS).flatMap(({ name, violations }) =>
      violations.length > 0 ? [[name.trim(), violations]] : [],
    ),
  );

const ACKNOWLEDGED = "acknowledged messages are there once";
const OTHERS = "no other messages, none twice";
const DENSE = "seqs are dense from 1 on";
const SIDES = "the same for customer and agent";
const CALM = "back, a client has all within 1 s";
const DISTURBED = "within 20 s where something is away";
const CLIENTS = "what clients have is the history";
const LOST = "each fact is in the topic";
const DOUBLED = "no fact has two events";
const ORDER = "facts are in order per conversation";
const AGENTS = "no conversation has two agents";

/** By check all that it has to find, a part of each. */
type Found = Record<string, string | string[]>;
/** A way to break a run, and what has to be found then, and nothing else. */
type Broken = [what: string, breaks: (run: Run) => unknown, found: Found];

const alter = <T>(items: T[], index: number, change: (item: T) => Partial<T>) =>
  items.splice(index, 1, ...items.slice(index, index + 1).map((item) => ({ ...item, ...change(item) })));
/** One more in the topic. */
const add = ({ messages }: Run, index: number, change: (message: Received) => Partial<Received>) =>
  messages.push(...messages.slice(index, index + 1).map((one) => ({ ...one, offset: 99, ...change(one) })));
const retell = (run: Run, index: number, change: object) =>
  alter(run.messages, index, (one) => rewritten(one, { data: { ...eventIn(one).data, ...change } }));
const swap = ({ messages }: Run, index: number) => {
  alter(messages, index, ({ offset }) => ({ offset: offset + 1 }));
  alter(messages, index + 1, ({ offset }) => ({ offset: offset - 1 }));
};

function findsEach(rows: readonly Broken[], steps?: Step[]): void {
  it.each(rows)("%s", (_, breaks, found) => {
    const run = steps ? runOf(...steps) : faultless();
    breaks(run);
    expect(violated(run)).toEqual(all(found));
  });
}

const all = (found: Found) =>
  Object.fromEntries(
    Object.entries(found).map(([name, texts]) => [name, [texts].flat().map((text) => expect.stringContaining(text))]),
  );

it("finds nothing in a faultless run, nor in copies of an event", () => {
  const run = faultless();
  expect(violated(run)).toEqual({});
  add(run, 1, () => ({}));
  expect(violated(run)).toEqual({});
});

it("finds nothing where a conversation went back to the queue, of which no fact tells", () => {
  const run = faultless();
  retell(run, 4, { agentId: null });
  expect(violated(run)).toEqual({});
});

describe("finds of messages", () => {
  findsEach([
    ["a call without a right answer", (run) => run.problems.push("no"), { "every call got a right answer": "no" }],
    [
      "one that was acknowledged and is not there",
      ({ acknowledged: all }) => alter(all, all.push(...all.slice(0, 1)) - 1, () => ({ clientMsgId: "x", seq: 7 })),
      { [ACKNOWLEDGED]: "one/7 is there 0 times" },
    ],
    [
      "one that is altered",
      ({ acknowledged }) => alter(acknowledged, 0, () => ({ text: "else" })),
      { [ACKNOWLEDGED]: "one/1 is not as it was acknowledged" },
    ],
    [
      "one that was refused",
      ({ acknowledged }) => acknowledged.shift(),
      { [OTHERS]: "one-m1 was refused and is there" },
    ],
    [
      "one that nobody sent",
      ({ acknowledged, attempted }) => attempted.delete(acknowledged.shift()?.clientMsgId ?? ""),
      { [OTHERS]: "one-m1 was sent by nobody" },
    ],
    [
      "a note that its customer sees",
      ({ talks }) => alter(talks, 0, ({ all }) => ({ shown: all })),
      { [SIDES]: "one is not the same for both" },
    ],
    [
      "one that its customer does not see",
      ({ talks }) => alter(talks, 0, ({ shown }) => ({ shown: shown.slice(1) })),
      { [SIDES]: "one is not the same for both" },
    ],
  ]);

  const lasting: Step[] = [{ take: "Lee" }, { by: "Lee" }, "close"];
  it.each<[string, Step[], Found]>([
    [
      "one that is there twice",
      [{ by: "Kim" }, "again", ...lasting],
      { [ACKNOWLEDGED]: "one/1 is there 2 times", [OTHERS]: "one-1 is there twice" },
    ],
    ["a gap in the seqs", [{ by: "Kim" }, "skip a seq", ...lasting], { [DENSE]: "one ends with 3 and has 1, 3" }],
    ["a last seq without one", [{ by: "Kim" }, ...lasting, "skip a seq"], { [DENSE]: "one ends with 3 and has 1, 2" }],
  ])("%s", (_, steps, found) => {
    expect(violated(runOf(...steps))).toEqual(all(found));
  });
});

describe("finds of clients", () => {
  const [calm, disturbed] = [0, 1];
  findsEach([
    ["one that is back too late", (run) => alter(run.convergences, calm, () => ({ ms: 1001 })), { [CALM]: "1001 ms" }],
    [
      "one that is back too late, something being away",
      (run) => alter(run.convergences, disturbed, () => ({ ms: 20_001 })),
      { [DISTURBED]: "Lee needed 20001 ms" },
    ],
    [
      "one that lacks what it should have",
      (run) => alter(run.convergences, calm, () => ({ lacks: ["has 1 of 2"] })),
      { [CALM]: "has 1 of 2" },
    ],
    [
      "one that lacks what it should have, something being away",
      (run) => alter(run.convergences, disturbed, () => ({ lacks: ["has 1 of 2"] })),
      { [DISTURBED]: "has 1 of 2" },
    ],
  ]);

  const [kim, lee, park] = [0, 2, 4];
  findsEach([
    [
      "a log with a gap",
      ({ kept }) => alter(kept, park, ({ messages }) => ({ messages: messages.filter(({ seq }) => seq !== 2) })),
      { [CLIENTS]: "Park has 2 of 3 of one: 1,3" },
    ],
    [
      "a log with a gap of what was off the screen at the end",
      ({ kept, talks }) => alter(kept, lee, () => ({ messages: talks[0]?.all.slice(1, 2) })),
      { [CLIENTS]: "Lee has 1 of 3 of one: 2" },
    ],
    [
      "a log without its end",
      ({ kept }) => alter(kept, park, ({ messages }) => ({ messages: messages.slice(0, 2) })),
      { [CLIENTS]: "Park has 2 of 3 of one: 1,2" },
    ],
    [
      "a log with something else",
      ({ kept }) => alter(kept, park, ({ messages }) => ({ messages: messages.map((one) => ({ ...one, text: "" })) })),
      { [CLIENTS]: "Park has 3 of 3 of one: 1,2,3" },
    ],
    [
      "a customer's log with a note",
      ({ kept, talks }) => alter(kept, kim, () => ({ messages: talks[0]?.all })),
      { [CLIENTS]: "Kim has 3 of 2 of one: 1,2,3" },
    ],
    [
      "a log of a conversation that is not there",
      ({ kept }) => alter(kept, kim, () => ({ conversationId: "none" })),
      { [CLIENTS]: "Kim has 2 of 0 of none" },
    ],
  ]);
});

/** Places in the topic: of the first conversation, and where the second is passed on. */
const AT = { opened: 0, kim: 1, taken: 2, note: 3, lee: 4, closed: 5, passed: 9 };

describe("finds of facts", () => {
  const VALID = "events are valid CloudEvents";
  const WORDS = "facts say what was said";
  const lose = (index: number) => (run: Run) => run.messages.splice(index, 1);
  const double = (index: number) => (run: Run) =>
    add(run, index, (one) => ({ ...rewritten(one, { id: "another" }), offset: one.offset + 0.5 }));
  const spoil = (change: (message: Received) => Partial<Received>) => (run: Run) =>
    add(run, AT.kim, (one) => ({ ...change(one), offset: 99 }));

  findsEach([
    ["a lost message", lose(AT.kim), { [LOST]: "one: chat.message.sent of 1" }],
    ["a lost closing", lose(AT.closed), { [LOST]: "one: chat.conversation.closed" }],
    ["a lost opening", lose(AT.opened), { [LOST]: "one: chat.conversation.opened", [ORDER]: "sent is the first" }],
    [
      "a lost assignment",
      lose(AT.passed),
      {
        [LOST]: "two: chat.conversation.assigned to Park",
        [AGENTS]: ["two: message 2 names Park, Lee has it", "from Park, who never had it"],
      },
    ],
    [
      "one of a message that is not there",
      (run) => {
        double(AT.lee)(run);
        requote(run, run.messages.length - 1, { seq: 4 });
      },
      { [DOUBLED]: "one: chat.message.sent of 4, which is not there" },
    ],
    ["two openings", double(AT.opened), { [DOUBLED]: "one: chat.conversation.opened" }],
    ["two events of a message", double(AT.kim), { [DOUBLED]: "one: chat.message.sent" }],
    ["two closings", double(AT.closed), { [DOUBLED]: "one: chat.conversation.closed" }],
    [
      "a closing of what is open",
      ({ talks }) => alter(talks, 0, ({ conversation }) => ({ conversation: { ...conversation, status: "assigned" } })),
      { [DOUBLED]: "one: chat.conversation.closed" },
    ],
    [
      "those of no conversation",
      ({ messages }) => messages.push(...aTalk("none", { partition: 2, from: 9 }).facts),
      { [DOUBLED]: "none is told of and is not there" },
    ],
    ["messages out of order", (run) => swap(run, AT.note), { [ORDER]: "one: the messages 1, 3, 2" }],
    ["an opening that is not the first", (run) => swap(run, AT.opened), { [ORDER]: "chat.message.sent is the first" }],
    [
      "a message after the closing",
      (run) => {
        retell(run, AT.lee, { agentId: null });
        swap(run, AT.lee);
      },
      { [ORDER]: "one: chat.message.sent after it was closed" },
    ],
    [
      "those of a conversation in two partitions",
      ({ messages }) => alter(messages, AT.closed, () => ({ partition: 2 })),
      { [ORDER]: "one: in several partitions" },
    ],
    [
      "other words than were said",
      (run) => requote(run, AT.kim, { text: "else" }),
      { [WORDS]: "one: message 1 is another one" },
    ],
    [
      "copies that differ",
      spoil((one) => rewritten(one, { time: "2026-01-02T00:00:00Z" })),
      { [WORDS]: "copies of one-1" },
    ],
    ["no JSON", spoil(() => ({ value: "{" })), { [VALID]: "0/99 of one" }],
    ["no CloudEvent", spoil((one) => rewritten(one, { source: undefined })), { [VALID]: "0/99 of one" }],
    ["another subject than the key", spoil((one) => rewritten(one, { subject: "two" })), { [VALID]: "subject two" }],
    ["headers without its trace", spoil(() => ({ headers: {} })), { [VALID]: "traceparent" }],
    ["another type", spoil((one) => rewritten(one, { type: "chat.sung" })), { [VALID]: "chat.sung is no fact" }],
    ["data that do not fit", spoil((one) => rewritten(one, { data: {} })), { [VALID]: "chat.message.sent: data must" }],
  ]);

  function requote(run: Run, index: number, change: object) {
    const { message } = eventIn(run.messages[index]).data;
    retell(run, index, { message: { ...message, ...change } });
  }
});

describe("finds of agents", () => {
  findsEach([
    [
      "two at once",
      (run) => retell(run, AT.lee, { agentId: "Park" }),
      { [AGENTS]: "one: message 3 names Park, Lee has it" },
    ],
    [
      "more than one can have, by the facts",
      (run) => Object.assign(run, { capacity: 1 }),
      { "nobody is over capacity, by the facts": "Lee had 2 at 2026-01-01T00:00:02" },
    ],
    [
      "more than one can have, by the store",
      ({ watched }) => watched.violations.push("Lee holds 3 of 2"),
      { "and by the store, meanwhile": "Lee holds 3 of 2" },
    ],
    [
      "one with a place while somebody waits",
      ({ watched }) => Object.assign(watched, { longestStuckMs: 5001 }),
      { "nobody waits 5 s while there is a place": "5001 ms" },
    ],
    ["a place left taken", ({ holding }) => holding.set("Lee", ["one"]), { "no place is left taken": "Lee holds one" }],
  ]);
  findsEach(
    [["one who writes and never had it", () => undefined, { [AGENTS]: "message 2 is from Park, who never had it" }]],
    [{ by: "Kim" }, { take: "Lee" }, { by: "Park" }, "close"],
  );
});

describe("finds of the shop", () => {
  findsEach([
    ["an event left in an outbox", ({ outbox }) => outbox.push("one"), { "no event is left in an outbox": "one" }],
    [
      "a dead letter",
      ({ messages, deadLetters }) => {
        deadLetters.push(...messages.slice(0, 1));
        alter(deadLetters, 0, () => ({ headers: { "x-error": "no good" } }));
      },
      { "there are no dead letters": "chat-message one: no good" },
    ],
    [
      "a node that died",
      ({ deaths }) => deaths.push("chat.1: exit 1"),
      { "nodes end only when killed": "chat.1: exit 1" },
    ],
  ]);
});
