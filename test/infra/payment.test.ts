import { sandboxLab, stripeLab } from "../integration/payment.labs";
import { paymentSuite } from "../integration/payment.suite";
import { withServers } from "./servers";

withServers(["mongo"], "payments in MongoDB, with the Toss adapter", ({ MONGO_URL = "" }) =>
  paymentSuite(sandboxLab, { MONGO_URL }),
);
withServers(["mongo"], "payments in MongoDB, with the Stripe adapter", ({ MONGO_URL = "" }) =>
  paymentSuite(stripeLab, { MONGO_URL }),
);
