import { within } from "./time";

export type Importance = "required" | "optional";
export type NodeState = "starting" | "running" | "draining";

interface Check {
  importance: Importance;
  /** Rejects, or takes too long, when the dependency cannot be used. */
  probe: () => Promise<void>;
}

export interface Readiness {
  status: "ok" | "degraded" | "unavailable";
  missing: string[];
}

const PROBE_TIMEOUT_MS = 1000;

/** What this node needs and whether it has it. Without a required part it takes no work; without an optional one it does. */
export class Health {
  state: NodeState = "starting";
  /** It drains as its process ends: no way back. */
  isEnding = false;
  private readonly checks = new Map<string, Check>();
  private readonly vitals = new Map<string, () => boolean>();
  private asked: Promise<boolean> | undefined;
  private looking: Promise<string[]> | undefined;

  register(name: string, check: Check): void {
    this.checks.set(name, check);
  }

  /** A part of this process without which it is to be started again. The answer ends the watch. */
  watch(name: string, isAlive: () => boolean): () => void {
    this.vitals.set(name, isAlive);
    return () => void this.vitals.delete(name);
  }

  /** Parts of this process that are dead; no dependency is asked. */
  dead(): string[] {
    return [...this.vitals].filter(([, isAlive]) => !isAlive()).map(([name]) => name);
  }

  /** Whether all that this node needs is there, whatever state it is in; who asks meanwhile gets the same answer. */
  hasRequired(): Promise<boolean> {
    this.asked ??= this.askRequired().finally(() => {
      this.asked = undefined;
    });
    return this.asked;
  }

  async readiness(): Promise<Readiness> {
    this.looking ??= this.lookForMissing().finally(() => {
      this.looking = undefined;
    });
    const missing = await this.looking;
    const isRequired = (name: string) => this.checks.get(name)?.importance === "required";
    if (this.state !== "running" || missing.some(isRequired)) return { status: "unavailable", missing };
    return { status: missing.length > 0 ? "degraded" : "ok", missing };
  }

  /** Everything that readiness asks for. */
  dependencies(): string[] {
    return [...this.checks.keys()];
  }

  private async lookForMissing(): Promise<string[]> {
    const checks = [...this.checks];
    const there = await Promise.all(checks.map(([, { probe }]) => answers(probe)));
    return checks.flatMap(([name], i) => (there[i] ? [] : [name]));
  }

  private async askRequired(): Promise<boolean> {
    const required = [...this.checks.values()].filter(({ importance }) => importance === "required");
    return (await Promise.all(required.map(({ probe }) => answers(probe)))).every(Boolean);
  }
}

const answers = (probe: () => Promise<void>): Promise<boolean> =>
  within(PROBE_TIMEOUT_MS, probe).then(
    () => true,
    () => false,
  );
