import { declareConfig, key } from "../../lib/config/declaration";
import { OneOf, Type } from "../../lib/schema";

export const authConfig = declareConfig("auth", {
  registering: key("auth.registering", Type.Boolean(), {
    default: true,
    description: "Off: no new account is made (503 REGISTRATION_CLOSED); those that are there sign in",
  }),
  requiredRoles: key("auth.mfa.requiredRoles", Type.Array(OneOf("customer", "agent", "admin"), { uniqueItems: true }), {
    default: [],
    description:
      "Roles that need a second factor: until they have shown one, their tokens are good for setting it up and nothing else. " +
      "Looked at whenever tokens are given out",
  }),
});
