import { nodeOf } from "../../lib/node";
import { deadLetter, deadLettersIn, LETTER_HEADERS } from "../../lib/topics/dead-letters";
import { deadLettersOf, type Message, type Received, type Topics } from "../../lib/topics/topics";
import { deadLettersCommand } from "../../repl/dead-letters";
import { startNode, type TestNode } from "./node";

const TOPIC = "order-event";
const DLQ = deadLettersOf(TOPIC);

let node: TestNode;
let topics: Topics;
beforeEach(async () => {
  node = await startNode([]);
  topics = nodeOf(node.broker).topics;
});
afterEach(() => node.stop());

const original = (n: number, more: Partial<Message> = {}): Received => ({
  topic: TOPIC,
  partition: 0,
  offset: n,
  key: `order-${n}`,
  value: JSON.stringify({ id: `${n}`, type: "order.paid", subject: `order-${n}`, time: `2026-01-0${n}T09:30:00.000Z` }),
  headers: { "content-type": "application/cloudevents+json", traceparent: `00-${n}` },
  ...more,
});
const letter = (n: number, { group = "notification", attempts = 12, error = "no", ...more } = {}) =>
  deadLetter(original(n, more), { group, attempts, error: new TypeError(error) });
const all = async (topic: string) =>
  (await topics.peek(topic, "look", 1000)).map(({ key, value, headers }) => ({ key, value, headers }));
const sent = (n: number) => {
  const { key, value, headers } = original(n);
  return { key, value, headers };
};
const listed = async () => (await deadLettersIn(topics, TOPIC).list()).letters.map(({ message }) => message.key);
async function ids(...keys: string[]): Promise<Set<string>> {
  const { letters } = await deadLettersIn(topics, TOPIC).list();
  return new Set(letters.filter(({ message }) => keys.includes(message.key)).map(({ id }) => id));
}

describe("a dead letter", () => {
  it("has key, value and headers as they were, and says where it comes from and why it is there", () => {
    const headers = { traceparent: "00-1", "x-mine": "kept" };
    expect(letter(7, { group: "g", attempts: 3, error: "no", headers } as never)).toEqual({
      key: "order-7",
      value: original(7).value,
      headers: {
        ...headers,
        "x-origin-topic": TOPIC,
        "x-origin-partition": "0",
        "x-origin-offset": "7",
        "x-group": "g",
        "x-attempts": "3",
        "x-error": "TypeError: no",
      },
    });
  });

  it("has its error in one line that does no harm", () => {
    const error = `first\nsecond\r\u001b[31m\u2028third\u0000 ${"long ".repeat(200)}`;
    const said = letter(1, { error }).headers[LETTER_HEADERS.error] ?? "";
    expect(said).toMatch(/^TypeError: first second \[31m third long /);
    expect(said.length).toBeLessThanOrEqual(500);
    expect(said).not.toMatch(/\p{Cc}/u);
  });
});

describe("dead letters", () => {
  it("are listed oldest first, each once, what says no time last", async () => {
    await topics.publish(DLQ, [letter(3), letter(1, { value: "not json" } as never), letter(2), letter(3)]);
    expect(await listed()).toEqual(["order-2", "order-3", "order-1"]);
  });

  it("that are sent again are as they were in their topic, and in the list no more", async () => {
    await topics.publish(DLQ, [letter(2), letter(1)]);
    const done = await deadLettersIn(topics, TOPIC).resend(await ids("order-1", "order-2"));
    expect(done).toHaveLength(2);
    expect(await all(TOPIC)).toEqual([sent(1), sent(2)]);
    expect(await listed()).toEqual([]);
    expect(await deadLettersIn(topics, TOPIC).resend(new Set(done.map(({ id }) => id)))).toEqual([]);
    expect(await all(TOPIC)).toHaveLength(2);
  });

  it("of several groups are sent once for all of them", async () => {
    await topics.publish(DLQ, [letter(1, { group: "a" }), letter(1, { group: "b" })]);
    expect(await listed()).toHaveLength(2);
    await deadLettersIn(topics, TOPIC).resend(await ids("order-1"));
    expect([await all(TOPIC), await listed()]).toEqual([[sent(1)], []]);
  });

  it("that nobody chose stay, unchanged, and those that come meanwhile", async () => {
    const letters = [1, 2, 3, 4].map((n) => letter(n));
    await topics.publish(DLQ, letters);
    const chosen = await ids("order-1", "order-3");
    await topics.publish(DLQ, [letter(5)]);
    await deadLettersIn(topics, TOPIC).resend(chosen);
    expect(await all(TOPIC)).toEqual([sent(1), sent(3)]);
    expect(await listed()).toEqual(["order-2", "order-4", "order-5"]);
    expect((await all(DLQ)).filter(({ key }) => key === "order-2")).toEqual([letters[1], letters[1]]);
  });

  it("that are dropped are gone, and sent nowhere", async () => {
    await topics.publish(DLQ, [letter(1), letter(2), letter(1)]);
    expect(await deadLettersIn(topics, TOPIC).drop(await ids("order-1"))).toHaveLength(1);
    expect([await listed(), await all(TOPIC)]).toEqual([["order-2"], []]);
  });

  it("that are no letters of ours can be dropped and sent like the others", async () => {
    const stranger = { key: "stranger", value: "?", headers: { "x-mine": "kept" } };
    await topics.publish(DLQ, [stranger, letter(1)]);
    expect(await listed()).toEqual(["order-1", "stranger"]);
    await deadLettersIn(topics, TOPIC).resend(await ids("stranger"));
    expect([await all(TOPIC), await listed()]).toEqual([[stranger], ["order-1"]]);
  });
});

describe.each(["resend", "drop"] as const)("a death in the middle of %s", (verb) => {
  /** Topics that die at a step: before it took place, or just after. */
  function dying(step: string, when: "before" | "after"): Topics {
    const die = async (name: string, act: () => Promise<void>) => {
      if (name === step && when === "before") throw new Error("died");
      await act();
      if (name === step) throw new Error("died");
    };
    return {
      peek: (...args: Parameters<Topics["peek"]>) => topics.peek(...args),
      publish: (topic: string, messages: Message[]) =>
        die(topic === DLQ ? "write anew" : "send", () => topics.publish(topic, messages)),
      movePast: (...args: Parameters<Topics["movePast"]>) => die("move", () => topics.movePast(...args)),
    } as Topics;
  }
  const steps = ["send", "write anew", "move"].flatMap((step) => [[step, "before"] as const, [step, "after"] as const]);

  it.each(steps)("at the step %j, %s it, loses nothing, and can be done again", async (step, when) => {
    await topics.publish(DLQ, [letter(1), letter(2), letter(3)]);
    const chosen = await ids("order-2", "order-3");
    const done = deadLettersIn(dying(step, when), TOPIC)[verb](chosen);
    if (verb === "drop" && step === "send") return void (await done);
    await expect(done).rejects.toThrow("died");
    const left = await listed();
    expect(left).toContain("order-1");
    expect(new Set(left).size).toBe(left.length);
    const arrived = (await all(TOPIC)).map(({ key }) => key);
    const gone = ["order-2", "order-3"].filter((key) => !left.includes(key));
    if (verb === "resend") expect(arrived).toEqual(expect.arrayContaining(gone));
    await deadLettersIn(topics, TOPIC)[verb](chosen);
    expect(await listed()).toEqual(["order-1"]);
    expect(new Set((await all(TOPIC)).map(({ key }) => key))).toEqual(
      new Set(verb === "resend" ? ["order-2", "order-3"] : []),
    );
  });
});

describe("the command", () => {
  /** What the console shows for a line; how moleculer-repl reads a line is the e2e test's business. */
  function newConsole() {
    const command = deadLettersCommand();
    return async (text: string, options: Record<string, string | true> = {}) => {
      const out = jest.spyOn(process.stdout, "write").mockReturnValue(true);
      const params = { words: text.split(" ").filter(Boolean), options };
      await command.action(node.broker, params as never, undefined);
      const shown = out.mock.calls.map(([written]) => String(written)).join("");
      out.mockRestore();
      return shown;
    };
  }

  it("says plainly where there are none", async () => {
    const type = newConsole();
    expect(await type("")).toBe("There are no dead letters of order-event and chat-message.\n");
    expect(await type("list", { topic: "chat-message.dlq" })).toBe("There are no dead letters of chat-message.\n");
  });

  it("shows what waits within a hundred columns, and nothing that moves the cursor", async () => {
    const odd = { value: `{"type":"${"chat.conversation.assigned".repeat(3)}","subject":"\\u001b[2J가나다"}` };
    await topics.publish(DLQ, [letter(1, { error: "long ".repeat(50) }), letter(2, odd as never)]);
    const type = newConsole();
    const lines = (await type("")).split("\n");
    expect(lines[0]).toMatch(/^ *# {2}when \(UTC\) +type +group +tries +partition\/offset$/);
    expect(lines[1]).toMatch(/^ *1 {2}2026-01-01T09:30:00Z {2}order\.paid +notification +12 {2}0\/1$/);
    expect(lines[2]).toMatch(/^ +order-1 {2}TypeError: long long .*…$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    const full = await type("", { full: true });
    for (const text of ["x-origin-offset", "traceparent", "content-type", '"time": "2026-01-01T09:30:00.000Z"'])
      expect(full).toContain(text);
    expect(lines.join("") + full.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it("takes numbers of the list as last shown, whatever happened since", async () => {
    await topics.publish(DLQ, [letter(2), letter(3)]);
    const type = newConsole();
    expect(await type("resend 1")).toContain("There is no number 1");
    expect(await type("", { limit: "1" })).toContain("2 dead letters of order-event and chat-message, the oldest 1 of");
    expect(await type("drop 2")).toContain("There is no number 2");
    await type("");
    await topics.publish(DLQ, [letter(1)]);
    expect(await type("resend 1")).toBe("1 dead letter sent to order-event again.\n");
    expect(await type("drop 1 2")).toContain("Nothing was done: say it again with --yes.");
    expect(await type("drop 1 2", { yes: true })).toBe(
      "1 dead letter dropped. Not there any more: 1 of those chosen.\n",
    );
    expect([await listed(), await all(TOPIC)]).toEqual([["order-1"], [sent(2)]]);
  });

  it("sends all that waits again, shown or not", async () => {
    await topics.publish(DLQ, [letter(1), letter(2)]);
    expect(await newConsole()("resend", { all: true })).toBe("2 dead letters sent to order-event again.\n");
    expect(await listed()).toEqual([]);
  });

  it.each([
    ["frob", {}, '"frob" is not known'],
    ["drop", {}, "Say which"],
    ["drop", { all: true }, "Say which"],
    ["drop x", {}, "There is no number x"],
    ["drop 0", {}, "There is no number 0"],
    ["drop 1", { topic: "chat-message" }, "The list as last shown is of order-event"],
    ["", { limit: "0" }, "--limit is a number from 1"],
  ] as const)("refuses %j %j and changes nothing", async (text, options, why) => {
    await topics.publish(DLQ, [letter(1)]);
    const type = newConsole();
    await type("");
    expect(await type(text, options)).toContain(why);
    expect([await listed(), await all(TOPIC)]).toEqual([["order-1"], []]);
  });
});
