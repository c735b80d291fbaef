import type { Meta } from "../../lib/actions";
import { newId } from "../../lib/ids";
import { now } from "../../lib/time";
import type { AccountMail } from "../notification/notification.contract";
import type { PendingMail } from "./credentials";

/** A mail about an account, as whoever just asked for it or did something caused it. */
export const newMail = (
  kind: AccountMail["kind"],
  { acceptLanguage, userAgent, clientIp: ip }: Pick<Meta, "acceptLanguage" | "userAgent" | "clientIp">,
  more: Pick<AccountMail, "provider" | "codesLeft"> = {},
): PendingMail => ({ id: newId(), kind, at: now(), acceptLanguage, userAgent, ip, ...more });
