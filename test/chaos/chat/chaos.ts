import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection } from "mongoose";
import { expectStatus, PASSWORD, Shop } from "../../e2e/shop";
import { Chance } from "../chance";
import { describeFault } from "../faults";
import { FAULTY } from "../mistakes";
import { PatientShop } from "../patient";
import type { Findings } from "../report";
import { topicsOf } from "../topics";
import type { ChatChaosOptions } from "./arguments";
import { check } from "./checker";
import { ChatClient } from "./client";
import { ChatCluster } from "./cluster";
import { ChatCollector } from "./collect";
import type { Kept } from "./evidence";
import { type PlannedChatFault, planFaults } from "./faults";
import { summaryOf } from "./figures";
import { Ledger } from "./ledger";
import { beAgent, beCustomer, CAPACITY } from "./people";
import { Session } from "./session";
import { Watch } from "./watch";

/** Each second one of so many connections is cut. */
const ONE_CUT_OF = 15;
/** Of all customers together: what a crowded machine can take, so that not overload is what is looked at. */
const MESSAGES_A_SECOND = 40;
const LEAST_PAUSE_MS = 2000;
/** Milliseconds between customers who come. */
const ARRIVAL_MS = 33;
const CONVERGED_MS = 1000;
const SETTLE_MS = 60_000;
const SIGNING_UP_AT_ONCE = 4;

interface Surroundings {
  signal: AbortSignal;
  say: (text: string) => void;
}

/** A whole run: starts the cluster, breaks it while people talk, waits until all is at rest, checks, and clears away. */
export async function chatChaos(options: ChatChaosOptions, surroundings: Surroundings): Promise<Findings> {
  const { signal, say } = surroundings;
  const dir = mkdtempSync(join(tmpdir(), "shop-chaos-chat-"));
  const cluster = await ChatCluster.in(dir, options.broken ? FAULTY[options.broken] : {});
  const ending = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    const run = new Run(options, cluster, { say, signal: AbortSignal.any([signal, ending.signal]) });
    return await Promise.race([run.go(), aborted]);
  } finally {
    ending.abort(new Error("the run is over"));
    await cluster.close({ gently: options.keep });
    if (options.keep) say(`data and logs: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

class Run {
  private readonly ledger = new Ledger();
  private readonly shop: PatientShop;
  private readonly customers: ChatClient[] = [];
  private readonly agents: ChatClient[] = [];

  constructor(
    private readonly options: ChatChaosOptions,
    private readonly cluster: ChatCluster,
    private readonly around: Surroundings,
  ) {
    this.shop = new PatientShop(cluster.origin, around.signal);
  }

  async go(): Promise<Findings> {
    const { seed, customers, agents, messages } = this.options;
    const { say, signal } = this.around;
    const plan = planFaults(new Chance(seed, "faults"), customers * messages);
    say(`plan of seed ${seed}:`);
    for (const { at, fault } of plan) say(`  after ${at} messages of customers: ${describeFault(fault)}`);
    say("starting servers and nodes");
    await this.cluster.start();
    say("signing everybody up");
    await this.signUp();
    const environment = await this.cluster.servers.env();
    const mongo = await createConnection(environment.MONGO_URL ?? "").asPromise();
    const topics = topicsOf(environment);
    const watch = new Watch(mongo);
    const collector = new ChatCollector({
      shop: this.shop,
      mongo,
      topics,
      agentToken: () => this.agents[0]?.parts.session.token ?? "",
      tokenOf: (id) => this.customers.find(({ parts }) => parts.session.user.id === id)?.parts.session.token ?? "",
    });
    try {
      watch.start();
      const began = Date.now();
      await this.talk(plan);
      const talked = Date.now();
      say("waiting until everything is at rest");
      await this.cluster.ended();
      const left = await collector.settle(SETTLE_MS, signal);
      const rested = Date.now();
      const { acknowledged, attempted, problems, convergences } = this.ledger;
      const kept = [...this.customers, ...this.agents].flatMap(keptBy);
      const watched = await watch.stop();
      await this.freshTokens();
      const rest = { acknowledged, attempted, problems, convergences, kept, watched, capacity: CAPACITY };
      const evidence = { ...rest, deaths: this.cluster.deaths, ...(await collector.evidence()) };
      const times = { seconds: (talked - began) / 1000, settling: (rested - talked) / 1000 };
      const figures = { seed, customers, agents, ...times, faults: plan.length };
      return {
        checks: check(evidence, this.options.convergedMs ?? CONVERGED_MS),
        summary: summaryOf(figures, evidence, this.ledger),
        left,
      };
    } finally {
      await watch.stop();
      await Promise.all([...this.customers, ...this.agents].map((client) => client.stop()));
      await topics.close();
      await mongo.close();
    }
  }

  /** Everybody talks and is cut off now and then; faults come when so much was said. */
  private async talk(plan: readonly PlannedChatFault[]): Promise<void> {
    const { messages } = this.options;
    const { say, signal } = this.around;
    const total = this.customers.length * messages;
    const due = plan.values();
    let next = due.next();
    const pauseMs = Math.max(LEAST_PAUSE_MS, (2000 * this.customers.length) / MESSAGES_A_SECOND);
    const arrivingMs = this.customers.length * ARRIVAL_MS;
    let said = 0;
    let broken: Promise<void> = Promise.resolve();
    const acknowledged = () => {
      said += 1;
      if (said % Math.ceil(total / 10) === 0) say(`${said} of ${total} messages`);
      while (!next.done && next.value.at <= said) {
        const { at, fault } = next.value;
        broken = broken.then(() => this.cluster.inflict(fault)).then(() => say(`${at}: ${describeFault(fault)}`));
        broken.catch(() => undefined);
        next = due.next();
      }
      // So that faults come between the same messages however fast they are.
      return broken;
    };
    const over = new AbortController();
    const cutting = this.cutNowAndThen(AbortSignal.any([over.signal, signal]));
    const ids = this.agents.map(({ parts }) => parts.session.user.id);
    const helping = this.agents.map((agent) =>
      beAgent(
        agent,
        () => ids.filter((id) => id !== agent.parts.session.user.id),
        () => over.signal.aborted,
      ),
    );
    const asking = this.customers.map((customer) =>
      beCustomer(customer, { messages, arrivingMs, pauseMs, acknowledged }),
    );
    // One of them failing is to be heard of at once.
    await Promise.race([Promise.all(asking), Promise.all(helping)]);
    over.abort();
    await Promise.all([...helping, cutting, broken]);
  }

  private async cutNowAndThen(until: AbortSignal): Promise<void> {
    const chance = new Chance(this.options.seed, "cuts");
    while (!until.aborted) {
      for (const client of [...this.customers, ...this.agents]) {
        if (chance.between(1, ONE_CUT_OF) > 1 || !client.connected) continue;
        client.cut();
        this.ledger.cuts += 1;
      }
      await sleep(1000, undefined, { signal: until }).catch(() => undefined);
    }
  }

  private async signUp(): Promise<void> {
    const { customers, agents } = this.options;
    const admin = (await this.shop.admin()).accessToken;
    const names = [
      ...Array.from({ length: agents }, (_, index) => `Agent ${index + 1}`),
      ...Array.from({ length: customers }, (_, index) => `Customer ${index + 1}`),
    ];
    // Whoever cannot renew their token tries again with the next connection.
    const shop = new Shop(this.cluster.origin);
    const waiting = names.values();
    const worker = async () => {
      for (const name of waiting) {
        const asAgent = name.startsWith("Agent");
        const tokens = await this.shop.register(name);
        if (asAgent) {
          const body = { roles: ["agent"] };
          expectStatus(await this.shop.call("PATCH", `/users/${tokens.user.id}`, { token: admin, body }), 200);
        }
        const signedIn = asAgent ? await this.shop.login(tokens.user.email, PASSWORD) : tokens;
        (asAgent ? this.agents : this.customers).push(this.clientOf(name, new Session(shop, signedIn), asAgent));
      }
    };
    await Promise.all(Array.from({ length: SIGNING_UP_AT_ONCE }, worker));
  }

  private clientOf(name: string, session: Session, asAgent: boolean): ChatClient {
    const { gateways, disturbedSince } = this.cluster;
    const { signal } = this.around;
    const chance = new Chance(this.options.seed, name);
    return new ChatClient({ name, session, asAgent, gateways, chance, ledger: this.ledger, disturbedSince, signal });
  }

  private async freshTokens(): Promise<void> {
    const all = [...this.customers, ...this.agents];
    await Promise.all(all.map((client) => client.stop()));
    for (const { parts } of all) await parts.session.fresh();
  }
}

const keptBy = ({ logs, open, parts: { name, asAgent } }: ChatClient): Kept[] =>
  [...logs].map(([conversationId, { messages }]) => ({
    who: name,
    asAgent,
    toTheEnd: open.has(conversationId),
    conversationId,
    messages,
  }));
