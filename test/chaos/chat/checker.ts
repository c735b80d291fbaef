import { isDeepStrictEqual } from "node:util";
import type { Check } from "../checker";
import { checkHolders } from "./assignments";
import type { ChatEvidence, Talk } from "./evidence";
import { compareFacts, readFact, type SeenFact } from "./facts";

/** While a node or a server is away, calls to the dead are asked for again. */
const CONVERGED_DISTURBED_MS = 20_000;
const STUCK_MS = 5000;

/**
 * Every promise, kept or not. Pure: all that it knows is in the evidence. In `convergedMs` a client that is back has to have
 * all that was acknowledged before.
 */
export function check(evidence: ChatEvidence, convergedMs: number): Check[] {
  const { problems, holding, deadLetters, outbox, deaths, acknowledged } = evidence;
  return [
    { name: "every call got a right answer", looked: `${acknowledged.length} messages`, violations: [...problems] },
    checkAcknowledged(evidence),
    checkOthers(evidence),
    checkDense(evidence),
    checkSides(evidence),
    ...checkConvergence(evidence, convergedMs),
    checkLogs(evidence),
    ...checkFacts(evidence),
    ...checkPlaces(evidence),
    {
      name: "no place is left taken",
      looked: `${holding.size} agents`,
      violations: [...holding].filter(([, ids]) => ids.length > 0).map(([id, ids]) => `${id} holds ${ids.join(", ")}`),
    },
    {
      name: "no event is left in an outbox",
      looked: `${evidence.talks.length} conversations`,
      violations: [...outbox],
    },
    {
      name: "there are no dead letters",
      looked: "2 topics",
      violations: deadLetters.map(({ topic, key, headers }) => `${topic} ${key}: ${headers["x-error"]}`),
    },
    { name: "nodes end only when killed", looked: "5 nodes", violations: [...deaths] },
  ];
}

function checkAcknowledged({ talks, acknowledged }: ChatEvidence): Check {
  const all = new Map(talks.map(({ conversation, all }) => [conversation._id, all]));
  const violations = acknowledged.flatMap((message) => {
    const { conversationId, clientMsgId, seq } = message;
    const found = (all.get(conversationId) ?? []).filter((one) => one.clientMsgId === clientMsgId);
    if (found.length !== 1) return [`${conversationId}/${seq} is there ${found.length} times`];
    return isDeepStrictEqual(found[0], message) ? [] : [`${conversationId}/${seq} is not as it was acknowledged`];
  });
  return { name: "acknowledged messages are there once", looked: `${acknowledged.length} messages`, violations };
}

/** All were sent until they were acknowledged: what is there beyond them nobody sent, or it is there twice. */
function checkOthers({ talks, acknowledged, attempted }: ChatEvidence): Check {
  const known = new Set(acknowledged.map(({ id }) => id));
  const seen = new Set<string>();
  const violations = talks.flatMap(({ all }) =>
    all.flatMap(({ id, kind, clientMsgId }) => {
      const isTwice = seen.has(clientMsgId);
      seen.add(clientMsgId);
      if (isTwice) return [`${id}: ${clientMsgId} is there twice`];
      if (kind === "system" || known.has(id)) return [];
      return [attempted.has(clientMsgId) ? `${id} was refused and is there` : `${id} was sent by nobody`];
    }),
  );
  return { name: "no other messages, none twice", looked: `${seen.size} messages`, violations };
}

function checkDense({ talks }: ChatEvidence): Check {
  const violations = talks.flatMap(({ conversation: { _id, lastSeq }, all }) =>
    all.length === lastSeq && all.every(({ seq }, index) => seq === index + 1)
      ? []
      : [`${_id} ends with ${lastSeq} and has ${all.map(({ seq }) => seq).join(", ")}`],
  );
  return { name: "seqs are dense from 1 on", looked: `${talks.length} conversations`, violations };
}

const shownOf = ({ all }: Talk) => all.filter(({ kind }) => kind !== "note");

function checkSides({ talks }: ChatEvidence): Check {
  const violations = talks.flatMap((talk) =>
    isDeepStrictEqual(shownOf(talk), talk.shown) ? [] : [`${talk.conversation._id} is not the same for both`],
  );
  return { name: "the same for customer and agent", looked: `${talks.length} conversations`, violations };
}

function checkConvergence({ convergences }: ChatEvidence, convergedMs: number): Check[] {
  const late = (among: typeof convergences, limit: number) =>
    among.flatMap(({ who, at, ms, lacks }) => [
      ...lacks,
      ...(ms > limit ? [`${who} needed ${ms} ms at ${new Date(at).toISOString()}`] : []),
    ]);
  const calm = convergences.filter(({ disturbed }) => !disturbed);
  const disturbed = convergences.filter((one) => one.disturbed);
  return [
    {
      name: `back, a client has all within ${convergedMs / 1000} s`,
      looked: `${calm.length} reconnects`,
      violations: late(calm, convergedMs),
    },
    {
      name: `  within ${CONVERGED_DISTURBED_MS / 1000} s where something is away`,
      looked: `${disturbed.length} reconnects`,
      violations: late(disturbed, CONVERGED_DISTURBED_MS),
    },
  ];
}

/** What clients have in the end: no gap, nothing that is not there, and what they follow to its end. */
function checkLogs({ talks, kept }: ChatEvidence): Check {
  const byId = new Map(talks.map((talk) => [talk.conversation._id, talk]));
  const violations = kept.flatMap(({ who, asAgent, toTheEnd, conversationId, messages }) => {
    const talk = byId.get(conversationId);
    const due = talk ? (asAgent ? talk.all : shownOf(talk)) : [];
    const upTo = toTheEnd ? due : due.slice(0, messages.length);
    if (isDeepStrictEqual(messages, upTo)) return [];
    return [`${who} has ${messages.length} of ${due.length} of ${conversationId}: ${messages.map((one) => one.seq)}`];
  });
  return { name: "what clients have is the history", looked: `${kept.length} screens`, violations };
}

function factsByConversation({ messages }: Pick<ChatEvidence, "messages">) {
  const invalid: string[] = [];
  const facts = new Map<string, SeenFact[]>();
  for (const message of messages.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const fact = readFact(message);
    if (typeof fact === "string") invalid.push(`${message.partition}/${message.offset} of ${message.key}: ${fact}`);
    else facts.set(message.key, [...(facts.get(message.key) ?? []), fact]);
  }
  return { invalid, facts };
}

function checkFacts(evidence: ChatEvidence): Check[] {
  const { talks, messages } = evidence;
  const { invalid, facts } = factsByConversation(evidence);
  const found = { lost: [] as string[], doubled: [] as string[], misordered: [] as string[], wrong: [] as string[] };
  const known = new Set(talks.map(({ conversation }) => conversation._id));
  for (const id of facts.keys()) if (!known.has(id)) found.doubled.push(`${id} is told of and is not there`);
  for (const talk of talks) {
    const { _id } = talk.conversation;
    const findings = compareFacts(talk, facts.get(_id) ?? []);
    for (const kind of ["lost", "doubled", "misordered", "wrong"] as const)
      found[kind].push(...findings[kind].map((what) => `${_id}: ${what}`));
  }
  const read = `${messages.length} events`;
  return [
    { name: "events are valid CloudEvents", looked: read, violations: invalid },
    { name: "each fact is in the topic", looked: read, violations: found.lost },
    { name: "no fact has two events", looked: read, violations: found.doubled },
    {
      name: "facts are in order per conversation",
      looked: `${talks.length} conversations`,
      violations: found.misordered,
    },
    { name: "facts say what was said", looked: read, violations: found.wrong },
  ];
}

function checkPlaces(evidence: ChatEvidence): Check[] {
  const { watched, capacity } = evidence;
  const { facts } = factsByConversation(evidence);
  const { strangers, overloaded, assignments } = checkHolders(facts, capacity);
  const looks = `${watched.looks} looks`;
  const stuck = watched.longestStuckMs > STUCK_MS ? [`for ${watched.longestStuckMs} ms`] : [];
  return [
    { name: "no conversation has two agents", looked: `${assignments} assignments`, violations: strangers },
    { name: "nobody is over capacity, by the facts", looked: `${assignments} assignments`, violations: overloaded },
    { name: "  and by the store, meanwhile", looked: looks, violations: watched.violations },
    { name: `nobody waits ${STUCK_MS / 1000} s while there is a place`, looked: looks, violations: stuck },
  ];
}
