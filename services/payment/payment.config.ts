import { declareConfig, key, type Settings } from "../../lib/config/declaration";
import { Type } from "../../lib/schema";

export const paymentConfig = declareConfig("payment", {
  tossSecretKey: key("payment.toss.secretKey", Type.String({ maxLength: 200, pattern: "^[\\x21-\\x7E]*$" }), {
    default: "",
    secret: true,
    description: "Secret key of Toss Payments; used for the next request to it",
  }),
});

export type PaymentSettings = Settings<typeof paymentConfig>;
