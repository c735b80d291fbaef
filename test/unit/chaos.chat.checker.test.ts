import { all, alter, type Found, findsEach, runOf, type Step, violated } from "./chaos.chat.parts";

const ACKNOWLEDGED = "acknowledged messages are there once";
const OTHERS = "no other messages, none twice";
const DENSE = "seqs are dense from 1 on";
const SIDES = "the same for customer and agent";
const CALM = "back, a client has all within 1 s";
const DISTURBED = "within 20 s where something is away";
const CLIENTS = "what clients have is the history";

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
    expect(violated(runOf(steps))).toEqual(all(found));
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
