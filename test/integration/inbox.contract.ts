import { newId } from "../../lib/ids";
import type { Inbox } from "../../services/notification/inbox/inbox";
import { KEEP, type Notification, notificationId } from "../../services/notification/notification";

const AT = Date.now() - 3600_000;
const timeOf = (seconds: number) => new Date(AT + seconds * 1000).toISOString();

export const aNotification = (seconds: number, more: Partial<Notification> = {}): Notification => ({
  id: notificationId(timeOf(seconds), `event ${seconds}`),
  type: "order.paid",
  title: `No. ${seconds}`,
  body: "한글 \u2028 and more",
  link: "/orders/1",
  createdAt: timeOf(seconds),
  ...more,
});

/** What every inbox does, wherever it keeps what it is given. */
export function inboxContract(start: () => Promise<Inbox>): void {
  let inbox: Inbox;
  let user: string;
  beforeAll(async () => {
    inbox = await start();
  });
  beforeEach(() => {
    user = newId();
  });
  afterAll(() => inbox.close());

  const fill = async (count: number) => {
    const all = Array.from({ length: count }, (_, second) => aNotification(second));
    for (const one of all) await inbox.add(user, one);
    return all.reverse();
  };
  const list = (more: object = {}) => inbox.list(user, { unread: false, limit: KEEP + 10, ...more });

  test("lists what was added, the newest first, in whatever order it came", async () => {
    const [a, b, c] = [aNotification(1), aNotification(2), aNotification(3)];
    for (const one of [b, c, a]) expect(await inbox.add(user, one)).toBe(true);
    expect(await list()).toEqual([c, b, a]);
    expect(await inbox.list(newId(), { unread: false, limit: 10 })).toEqual([]);
  });

  test("takes an id once, and being read outlasts a repetition", async () => {
    const one = aNotification(1);
    const added = await Promise.all([1, 2, 3].map(() => inbox.add(user, one)));
    expect(added.filter(Boolean)).toHaveLength(1);
    await inbox.read(user, one.id, timeOf(50));
    expect(await inbox.add(user, { ...one, title: "another" })).toBe(false);
    expect(await list()).toEqual([{ ...one, readAt: timeOf(50) }]);
  });

  test("has the same id for each user apart", async () => {
    const [one, other] = [aNotification(1), newId()];
    expect(await inbox.add(user, one)).toBe(true);
    expect(await inbox.add(other, one)).toBe(true);
    await inbox.readAll(user, timeOf(9));
    expect(await inbox.list(other, { unread: true, limit: 5 })).toEqual([one]);
  });

  test("goes on after the last of a page, with new ones coming", async () => {
    const all = await fill(7);
    const page = await list({ limit: 3 });
    expect(page).toEqual(all.slice(0, 3));
    await inbox.add(user, aNotification(100));
    expect(await list({ limit: 3, beforeId: page[2]?.id })).toEqual(all.slice(3, 6));
    expect(await list({ limit: 3, beforeId: all[5]?.id })).toEqual(all.slice(6));
    expect(await list({ beforeId: "0" })).toEqual([]);
  });

  test("marks one as read, the first time counts, and nothing where there is none", async () => {
    const [newest, older] = await fill(2);
    const id = newest?.id ?? "";
    expect(await inbox.read(user, id, timeOf(10))).toEqual({ ...newest, readAt: timeOf(10) });
    expect(await inbox.read(user, id, timeOf(20))).toEqual({ ...newest, readAt: timeOf(10) });
    expect(await list({ unread: true })).toEqual([older]);
    expect(await inbox.read(user, newId(), timeOf(10))).toBeNull();
    expect(await inbox.read(newId(), id, timeOf(10))).toBeNull();
  });

  test("pages through what is unread", async () => {
    const all = await fill(6);
    for (const place of [0, 2, 4]) await inbox.read(user, all[place]?.id ?? "", timeOf(10));
    expect(await list({ unread: true, limit: 2 })).toEqual([all[1], all[3]]);
    expect(await list({ unread: true, limit: 2, beforeId: all[3]?.id })).toEqual([all[5]]);
  });

  test("marks all as read, once", async () => {
    const all = await fill(3);
    await inbox.read(user, all[0]?.id ?? "", timeOf(10));
    await inbox.readAll(user, timeOf(20));
    await inbox.readAll(user, timeOf(30));
    expect((await list()).map(({ readAt }) => readAt)).toEqual([timeOf(10), timeOf(20), timeOf(20)]);
    expect(await list({ unread: true })).toEqual([]);
  });

  test(`keeps the newest ${KEEP}; what was pushed out does not come back`, async () => {
    const all = await fill(KEEP + 3);
    expect((await list()).map(({ id }) => id)).toEqual(all.slice(0, KEEP).map(({ id }) => id));
    expect(await inbox.add(user, all.at(-1) ?? aNotification(0))).toBe(false);
    expect(await list()).toHaveLength(KEEP);
  });

  test("takes nothing that is older than it keeps", async () => {
    const old = new Date(Date.now() - 91 * 86_400_000).toISOString();
    expect(await inbox.add(user, aNotification(0, { id: notificationId(old, "e"), createdAt: old }))).toBe(false);
    expect(await list()).toEqual([]);
  });

  test("forgets one user and no other", async () => {
    const other = newId();
    await fill(2);
    await inbox.add(other, aNotification(1));
    for (let times = 0; times < 2; times++) await inbox.erase(user);
    expect(await list()).toEqual([]);
    expect(await inbox.list(other, { unread: false, limit: 5 })).toHaveLength(1);
  });

  test("answers where it is there", async () => {
    await expect(inbox.ping()).resolves.toBeUndefined();
  });
}
