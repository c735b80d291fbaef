import { newId } from "../../lib/ids";
import { now } from "../../lib/time";
import type { AccountMail } from "../notification/notification.contract";
import type { PendingMail } from "./credentials";
import type { Client } from "./neighbours";

/** A mail about an account, as whoever just asked for it or did something caused it. */
export const newMail = (
  kind: AccountMail["kind"],
  { acceptLanguage, userAgent, clientIp: ip }: Client,
  more: Pick<AccountMail, "provider" | "codesLeft"> = {},
): PendingMail => ({ id: newId(), kind, at: now(), acceptLanguage, userAgent, ip, ...more });
