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
  private readonly checks = new Map<string, Check>();
  private readonly vitals = new Map<string, () => boolean>();
  private asked: Promise<boolean> | undefined;

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
    const results = await Promise.all(
      [...this.checks].map(async ([name, { importance, probe }]) => ({ name, importance, ok: await answers(probe) })),
    );
    const failed = results.filter((result) => !result.ok);
    const missing = failed.map((result) => result.name);
    if (this.state !== "running" || failed.some((result) => result.importance === "required"))
      return { status: "unavailable", missing };
    return { status: missing.length > 0 ? "degraded" : "ok", missing };
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
