import { Id, OneOf, Strict, Timestamp, Type } from "../../../lib/schema";
import { Email, NewPassword } from "../auth.schema";

const LinkToken = Type.String({ minLength: 1, maxLength: 512, description: "as the mail's link has it" });

export const Forgot = Strict({ email: Email });
export const Reset = Strict({ token: LinkToken, newPassword: NewPassword });
export const Verify = Strict({ token: LinkToken });

/** A mail with a link, which was asked for at `requestedAt`, is about to go to `email`. */
export const MailToken = Strict({
  userId: Id,
  kind: OneOf("email.verification", "password.reset"),
  email: Type.String({ minLength: 1, maxLength: 254 }),
  requestedAt: Timestamp,
});
/** Null where nobody has a use for the mail any more. */
export const MailedToken = Type.Union([Type.Object({ token: Type.String(), expiresAt: Timestamp }), Type.Null()]);
