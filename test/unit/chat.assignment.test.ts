import { firstIdAt } from "../../lib/ids";
import { after, now } from "../../lib/time";
import { type Agent, byTurn, chooseAgent, newAgent } from "../../services/chat/agent";
import { assigned, closed, requeued, transferred } from "../../services/chat/assignment";
import { newConversation } from "../../services/chat/conversation";
import { percentile } from "../../services/chat/report";

const customer = { id: "customer", name: "Kim" };
const waiting = newConversation({ customer });

function agent(id: string, load: number, capacity: number, more: Partial<Agent> = {}): Agent {
  const free = capacity - load;
  return { ...newAgent({ id, name: id }, capacity, ""), status: "online", connected: true, free, ...more };
}

describe("whose turn it is", () => {
  test.each<[why: string, agents: Agent[], chosen: string | undefined]>([
    ["nobody's where nobody is there", [], undefined],
    ["the lowest load's for their capacity", [agent("a", 1, 2), agent("b", 2, 5)], "b"],
    ["not the fewest conversations'", [agent("a", 1, 1), agent("b", 3, 4)], "b"],
    [
      "at the same load theirs who waits longest",
      [agent("a", 1, 2, { lastAssignedAt: "2026-01-02" }), agent("b", 2, 4, { lastAssignedAt: "2026-01-01" })],
      "b",
    ],
    ["theirs first who never had one", [agent("a", 0, 2, { lastAssignedAt: "2026-01-01" }), agent("b", 0, 2)], "b"],
    ["nobody's who is away", [agent("a", 0, 2, { status: "away" }), agent("b", 1, 2)], "b"],
    ["nobody's who is offline", [agent("a", 0, 2, { status: "offline" })], undefined],
    ["nobody's without a connection", [agent("a", 0, 2, { connected: false })], undefined],
    ["nobody's who helps no more", [agent("a", 0, 2, { helps: false })], undefined],
    ["nobody's who is full", [agent("a", 2, 2)], undefined],
    ["nobody's who has more than a lowered capacity", [agent("a", 3, 2)], undefined],
    ["nobody's who put it back", [agent("passed", 0, 5), agent("b", 4, 5)], "b"],
    ["nobody's whose place for it is still to be given back", [agent("a", 0, 5, { holding: { id: "x" } })], undefined],
    ["nobody's who asked for help with it", [agent("customer", 0, 5)], undefined],
  ])("%s", (_, agents, chosen) => {
    const conversation = { ...waiting, _id: "id", passedBy: "passed", passedUntil: after(60_000) };
    expect(chooseAgent(agents, conversation)?._id).toBe(chosen);
    expect(chooseAgent([...agents].reverse(), conversation)?._id).toBe(chosen);
  });

  test("is theirs again who put it back, after a while or where it is not known when they did", () => {
    for (const passedUntil of [now(), undefined])
      expect(chooseAgent([agent("passed", 0, 5)], { ...waiting, passedBy: "passed", passedUntil })?._id).toBe("passed");
  });

  test("is the same whatever the order that agents are read in", () => {
    const agents = [agent("c", 1, 2), agent("a", 1, 2), agent("b", 0, 3)];
    expect(agents.sort(byTurn).map(({ _id }) => _id)).toEqual(["b", "a", "c"]);
  });
});

describe("a conversation", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const until = "2026-01-01T00:00:10.000Z";
  const holder = { agent: { id: "a", name: "A" }, at };
  const held = { ...waiting, status: "assigned" as const, agent: holder.agent, assignedAt: at, place: undefined };

  test("leaves the queue for an agent in the turn in which it was read, unless the place is withdrawn", () => {
    const { from, change } = assigned({ ...waiting, fence: "f" }, holder);
    expect(from).toEqual({
      _id: waiting._id,
      status: "queued",
      place: waiting.place,
      assignedAt: null,
      fence: "f",
    });
    expect(change.$unset).toMatchObject({ place: true, work: true, due: true, passedBy: true, passedUntil: true });
    expect(change.$push).toMatchObject({ outbox: { $each: [{ type: "chat.conversation.assigned" }] } });
  });

  test("keeps what is left to give back of its agents before", () => {
    const { change } = assigned({ ...waiting, work: "release", releases: { b: at } }, holder);
    expect(change.$unset).not.toHaveProperty("due");
    expect(change.$unset).not.toHaveProperty("work");
  });

  test.each([
    ["passed on", transferred(held, { agent: { id: "b", name: "B" }, at: until }, until)],
    ["put back", requeued(held, { passedUntil: until }, until)],
    ["closed", closed(held, until)],
  ])("that is %s gives back its agent's place, or leaves it to a sweeper", (_, { from, change }) => {
    expect(from).toMatchObject({ assignedAt: at });
    expect(change.$set).toMatchObject({ work: "release", due: until, "releases.a": at });
  });

  test("comes before all who had no turn yet when it is put back", () => {
    const place = requeued(held, "gone", until).change.$set?.place;
    expect(String(place) < String(waiting.place)).toBe(true);
    expect(requeued(held, "gone", until).from).toMatchObject({ answeredAt: { $exists: false } });
  });

  test("that nobody had is closed for good, with nothing left to do", () => {
    const { change } = closed(waiting, until);
    expect(change.$unset).toMatchObject({ open: true, place: true, work: true, due: true });
  });
});

describe("a report", () => {
  test.each([
    [[], 0.5, null],
    [[7], 0.9, 7],
    [[1, 2, 3, 4], 0.5, 2],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9, 9],
  ])("takes of %j at %d the nearest rank", (sorted, share, expected) => {
    expect(percentile(sorted, share)).toBe(expected);
  });

  test("finds conversations by the time in their ids", () => {
    const { _id, createdAt } = waiting;
    const at = Date.parse(createdAt);
    expect(firstIdAt(at - 5) < _id && _id < firstIdAt(at + 5)).toBe(true);
  });
});
