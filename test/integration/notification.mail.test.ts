import { eventually } from "./node";
import { MailServer, mailsThat, NotificationLab, orderFact } from "./notification.parts";

const server = new MailServer();
let lab: NotificationLab;
beforeAll(async () => {
  await server.start();
  lab = await NotificationLab.start({
    SMTP_URL: server.url,
    MAIL_FROM: "Shop <no-reply@shop.example>",
    WEB_URL: "https://shop.example",
  });
});
afterEach(() => {
  server.refusal = undefined;
  lab.others.away = false;
});
afterAll(async () => {
  await lab.stop();
  await server.stop();
});

const idOf = (mail: string) => /^Message-ID: <([^>]+)>/im.exec(mail)?.[1];
const counted = async (outcome: string) => mailsThat(outcome, await lab.metrics());

test("a mail goes to its customer's address, once, with an id made of what it is about", async () => {
  const customer = lab.others.person("김철수\r\nBcc: x@example.com");
  const paid = orderFact(customer);
  await lab.publish(paid, paid, paid);
  await lab.handled();
  await eventually(() => server.to(customer).length === 1);
  await lab.settled();
  expect(server.to(customer)).toHaveLength(1);
  const [{ to, text } = { to: [], text: "" }] = server.to(customer);
  expect(to).toEqual([`${customer}@example.com`]);
  const { items } = await lab.inbox(customer);
  expect(idOf(text)).toBe(`${items[0]?.id}@shop.example`);
  expect(text).not.toMatch(/^Bcc/im);
  expect(text).toMatch(/^List-Unsubscribe: <https:\/\/shop\.example\/settings\/notifications>/im);
  expect(text).toMatch(/^Auto-Submitted: auto-generated/im);
  expect(await counted("sent")).toBeGreaterThan(0);
});

test("while the mail server is away mails wait, and nothing else does", async () => {
  const customer = lab.others.person();
  await server.stop();
  await lab.publish(orderFact(customer));
  await lab.handled();
  expect((await lab.inbox(customer)).items).toHaveLength(1);
  await eventually(async () => (await counted("retried")) > 0);
  await eventually(async () => (await lab.metrics()).includes("shop_mails_waiting 1"));
  await server.start();
  await eventually(() => server.to(customer).length === 1);
  await lab.settled();
});

test("an address that is refused for now is tried again, one that is refused for good is not", async () => {
  const [later, never] = [lab.others.person(), lab.others.person()];
  server.refusal = 450;
  const retried = await counted("retried");
  await lab.publish(orderFact(later));
  await eventually(async () => (await counted("retried")) > retried);
  server.refusal = undefined;
  await eventually(() => server.to(later).length === 1);
  server.refusal = 550;
  await lab.publish(orderFact(never));
  await eventually(async () => (await counted("rejected")) === 1);
  await lab.settled();
  expect(server.to(never)).toEqual([]);
});

test("address and name are those of the moment of sending; without an address the mail is dropped", async () => {
  const [moved, none, erased] = [lab.others.person(), lab.others.person(), lab.others.person()];
  lab.others.away = true;
  const retried = await counted("retried");
  await lab.publish(...[moved, none, erased].map((customer) => orderFact(customer)));
  await lab.handled();
  await eventually(async () => (await counted("retried")) >= retried + 3);
  lab.others.users.set(moved, { email: "new@example.com", name: "New" });
  lab.others.users.set(none, { email: null, name: "None" });
  lab.others.users.delete(erased);
  lab.others.away = false;
  await lab.settled();
  expect(server.mails.filter(({ to }) => to.includes("new@example.com"))).toHaveLength(1);
  for (const customer of [moved, none, erased]) expect(server.to(customer)).toEqual([]);
  expect(await counted("dropped")).toBe(2);
});
