import { Id, ShownText, Strict, Timestamp, Type } from "../../../lib/schema";
import { Operator, Password } from "../auth.schema";

const codeOf = (description: string) => Type.String({ minLength: 1, maxLength: 64, description });
const Code = codeOf("of the app, or a recovery code");
const CodeOfApp = codeOf("six digits, of the app");

export const NewSecret = Type.Object({
  secret: Type.String({ description: "base32, to be typed into an authenticator app" }),
  otpauthUrl: Type.String({ description: "the same for a QR code" }),
});
export const Confirm = Strict({ code: CodeOfApp });
export const RecoveryCodes = Type.Object({
  recoveryCodes: Type.Array(Type.String(), { description: "each good once in the place of a code; shown only now" }),
});
export const WithCode = Strict({ code: Code });
export const Prove = Strict({ mfaToken: Type.String({ minLength: 1, maxLength: 128 }), code: Code });
export const Disable = Strict({
  password: Type.Optional(Password),
  code: Type.Optional(codeOf("in its place, for accounts without a password")),
});
export const State = Type.Object({
  enabled: Type.Boolean(),
  enabledAt: Type.Optional(Timestamp),
  recoveryCodesLeft: Type.Integer(),
  required: Type.Boolean({ description: "one's role needs it" }),
});

export const Reset = Strict({ userId: Id, operator: Operator, reason: ShownText(500) });
export const WasReset = Type.Object({ removed: Type.Boolean({ description: "false where none was on" }) });
