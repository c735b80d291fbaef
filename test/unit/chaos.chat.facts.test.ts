import type { Received } from "../../lib/topics/topics";
import {
  add,
  alter,
  aTalk,
  eventIn,
  findsEach,
  type Run,
  retell,
  rewritten,
  runOf,
  swap,
  violated,
} from "./chaos.chat.parts";

const LOST = "each fact is in the topic";
const DOUBLED = "no fact has two events";
const ORDER = "facts are in order per conversation";
const AGENTS = "no conversation has two agents";

it("finds nothing in a faultless run, nor in copies of an event", () => {
  const run = runOf();
  expect(violated(run)).toEqual({});
  add(run, 1, () => ({}));
  expect(violated(run)).toEqual({});
});

it("finds nothing where a conversation went back to the queue, of which no fact tells", () => {
  const run = runOf();
  retell(run, 4, { agentId: null });
  expect(violated(run)).toEqual({});
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
      ({ messages }) => messages.push(...aTalk("none", { partition: 2, from: 9 }, []).facts),
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

it("finds nobody over capacity who has the next one in the moment that one is closed", () => {
  expect(violated({ ...runOf(undefined, 4), capacity: 1 })).toEqual({});
  expect(Object.keys(violated({ ...runOf(undefined, 3), capacity: 1 }))).toEqual([
    "nobody is over capacity, by the facts",
  ]);
});
