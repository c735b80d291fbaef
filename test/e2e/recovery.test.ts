import type { ShopNode } from "../../lib/infra/nodes";
import { mailsIn } from "../integration/mail.parts";
import { MailServer } from "../integration/notification.parts";
import { newPlace, type Place } from "./node";
import { recovering } from "./recovering";

let place: Place;
let node: ShopNode;
const server = new MailServer();

describe.each([
  ["at a mail server", () => ({ SMTP_URL: server.url }), (address: string) => server.at(address)],
  ["as files", () => ({}), (address: string) => mailsIn(place.dataDir, address)],
] as const)("mails %s", (_, environment, mailsOf) => {
  beforeAll(async () => {
    await server.start();
    place = await newPlace();
    node = await place.start({ LEASE_MS: "1000", ...environment() });
  });
  afterAll(async () => {
    await node.stop();
    await server.stop();
    place.remove();
  });

  recovering(() => place.shop, mailsOf);
});
