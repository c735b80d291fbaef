import { Id, ItemsOf, OneOf, ShownText, Strict, Timestamp, Type } from "../../lib/schema";

export const Email = Type.String({ format: "email", maxLength: 254 });
export const NAME_LENGTH = 100;
const Name = ShownText(NAME_LENGTH);
/** Bounded here for what it costs to look at; what a new password must be is said by `requireStrong`. */
export const Password = Type.String({ minLength: 1, maxLength: 1024, format: "password" });
export const NewPassword = Type.String({
  minLength: 1,
  maxLength: 1024,
  format: "password",
  description: "10 to 128 characters, counted after Unicode normalisation (NFKC)",
});
const RefreshToken = Type.String({ minLength: 1, maxLength: 512 });

export const Register = Strict({ email: Email, password: NewPassword, name: Name });
export const Login = Strict({ email: Type.String({ minLength: 1, maxLength: 254 }), password: Password });
export const WithRefreshToken = Strict({ refreshToken: RefreshToken });
export const ChangePassword = Strict({ currentPassword: Password, newPassword: NewPassword });
export const ById = Strict({ id: Id });
export const OfUser = Strict({ userId: Id });
export const Since = Strict({ since: Timestamp });
export const NoParams = Strict({});

const EndReasonSchema = OneOf("logout", "password", "reuse", "locked", "erased", "revoked");
export const EndSessions = Strict({ userId: Id, reason: EndReasonSchema });

export const Operator = ShownText(200);
/** All of a user, or one by its id. */
export const RevokeSessions = Strict({
  userId: Type.Optional(Id),
  sid: Type.Optional(Id),
  operator: Operator,
});
export const Revoked = Type.Object({ ended: Type.Integer() });

export const Tokens = Type.Object({
  user: Type.Object({
    id: Id,
    email: Type.Union([Type.String(), Type.Null()]),
    emailVerified: Type.Boolean(),
    name: Type.String(),
    roles: Type.Array(OneOf("customer", "agent", "admin")),
    status: OneOf("active", "locked"),
    createdAt: Timestamp,
  }),
  accessToken: Type.String({ description: "a JWT, signed with ES256" }),
  refreshToken: Type.String({ description: "opaque; good for one refresh" }),
  tokenType: OneOf("Bearer"),
  expiresIn: Type.Integer({ description: "seconds that the access token is good for" }),
  mfaEnrolmentRequired: Type.Optional(
    Type.Boolean({
      description:
        "the role needs a second factor and this session has shown none: until it has, the access token is good for " +
        "`/auth/mfa`, `/auth/refresh` and `/auth/logout` alone",
    }),
  ),
  recoveryCodesLeft: Type.Optional(Type.Integer({ description: "after a sign-in with a second factor" })),
});

export const Sessions = ItemsOf(
  Type.Object({
    id: Id,
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
    userAgent: Type.String(),
    ip: Type.String(),
    current: Type.Boolean(),
  }),
);

export const SessionsOfUser = ItemsOf(Type.Omit(Sessions.properties.items.items, ["current"]));

export const Revocations = ItemsOf(
  Type.Object({
    id: Type.String(),
    kind: OneOf("session", "user"),
    subject: Type.String({ description: "the session's or the user's id" }),
    at: Type.String({
      format: "date-time",
      description: "a session's tokens are refused whatever their age, a user's with `iat_ms` at or before it",
    }),
    /** Missing where no session ended and tokens only have to be renewed, for other roles. */
    reason: Type.Optional(EndReasonSchema),
  }),
);

export const Jwks = Type.Object({
  keys: Type.Array(
    Type.Object(
      { kid: Type.String(), kty: Type.String(), alg: Type.String(), use: OneOf("sig") },
      { additionalProperties: Type.String() },
    ),
  ),
});
