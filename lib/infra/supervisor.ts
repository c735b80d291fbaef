import type { Exit, Launched } from "./processes";

const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
/** Milliseconds after which a run counts as a good one and the next restart comes soon again. */
const GOOD_RUN = 60_000;

export interface Supervised<T extends Launched> {
  /** The run of now, or the last one. */
  readonly current: T;
  /** How often it was started again. */
  readonly restarts: number;
  /** No more restarts; SIGTERM, or SIGKILL. */
  stop(): Promise<void>;
  kill(): void;
}

export interface SupervisorOptions<T extends Launched> {
  start: () => T;
  /** A run that nobody asked to end has ended; the next comes in `delay` milliseconds. */
  onDeath: (dead: T, exit: Exit, delay: number) => void;
  onRestart: (next: T) => void;
}

/** Starts it again when it dies by itself, each time waiting twice as long, up to 30 s. */
export function supervise<T extends Launched>({ start, onDeath, onRestart }: SupervisorOptions<T>): Supervised<T> {
  let delay = FIRST_DELAY;
  let restarts = 0;
  let ending = false;
  let timer: NodeJS.Timeout | undefined;
  let current = run();

  function run(): T {
    const child = start();
    const began = Date.now();
    void child.exited.then((exit) => {
      if (ending) return;
      if (Date.now() - began > GOOD_RUN) delay = FIRST_DELAY;
      onDeath(child, exit, delay);
      timer = setTimeout(again, delay);
      delay = Math.min(2 * delay, LONGEST_DELAY);
    });
    return child;
  }

  function again() {
    restarts += 1;
    current = run();
    onRestart(current);
  }

  return {
    get current() {
      return current;
    },
    get restarts() {
      return restarts;
    },
    stop: async () => {
      ending = true;
      clearTimeout(timer);
      await current.stop();
    },
    kill: () => {
      ending = true;
      clearTimeout(timer);
      current.signal("SIGKILL");
    },
  };
}
