import { declareConfig, key } from "../../lib/config/declaration";
import { Type } from "../../lib/schema";

export const authConfig = declareConfig("auth", {
  registering: key("auth.registering", Type.Boolean(), {
    default: true,
    description: "Off: no new account is made (503 REGISTRATION_CLOSED); those that are there sign in",
  }),
});
