import { declareConfig, key, type Settings } from "../../lib/config/declaration";
import { Type } from "../../lib/schema";

export const orderConfig = declareConfig("order", {
  accepting: key("order.accepting", Type.Boolean(), {
    default: true,
    description: "Off: no new order is taken (503 ORDERS_CLOSED); those that are placed go on",
  }),
  paymentWindow: key("order.paymentWindow", Type.Integer({ minimum: 60, maximum: 2_592_000 }), {
    default: 900,
    unit: "seconds",
    description: "From placing an order to its payment; orders keep the one of their placing",
  }),
  shippingFee: key("order.shippingFee", Type.Integer({ minimum: 0, maximum: 1_000_000 }), {
    default: 3000,
    unit: "minor units",
    description: "For each order; orders keep the one of their placing",
  }),
});

export type OrderSettings = Settings<typeof orderConfig>;
