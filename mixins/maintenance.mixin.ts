import type { Service, ServiceSchema } from "moleculer";

/** Does `work` again and again while the service runs; what it throws is logged and tried again the next time. */
export function maintenanceMixin(everyMs: number, work: () => Promise<unknown>) {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  return {
    started() {
      const run = async () => {
        try {
          await work();
        } catch (error) {
          this.logger.warn({ err: error }, `${this.name}: its maintenance failed`);
        }
      };
      timer = setInterval(() => {
        running = running.then(run);
      }, everyMs);
      timer.unref();
    },
    async stopped() {
      clearInterval(timer);
      await running;
    },
  } satisfies Partial<ServiceSchema> & ThisType<Service>;
}
