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

  register(name: string, check: Check): void {
    this.checks.set(name, check);
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
}

async function answers(probe: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("timeout")), PROBE_TIMEOUT_MS);
  });
  try {
    await Promise.race([probe(), timeout]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
