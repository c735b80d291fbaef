type Story = () => Promise<void>;

/**
 * Tests that mostly wait, for nothing that they share: the first one begins all of them, `atOnce` at a time, and each
 * then tells how its own went. What a story changes is its own; hooks for each test are none of its business.
 */
export function together(stories: Record<string, Story>, atOnce = Number.POSITIVE_INFINITY): void {
  const queue = Object.entries(stories).map(([title, story]) => ({ title, story, ...Promise.withResolvers<void>() }));
  const left = queue.values();
  async function work(): Promise<void> {
    for (const { story, resolve, reject } of left) await Promise.resolve().then(story).then(resolve, reject);
  }
  beforeAll(() => {
    for (const { promise } of queue) promise.catch(() => undefined);
    for (let workers = 0; workers < Math.min(atOnce, queue.length); workers++) void work();
  });
  afterAll(() => Promise.allSettled(queue.map(({ promise }) => promise)), 60_000);

  it.each(queue)("$title", ({ promise }) => promise);
}
