import { sandboxLab, stripeLab } from "../integration/payment.labs";
import { paymentSuite } from "../integration/payment.suite";
import { withServers } from "./servers";

/** A busy machine with a slow stand-in for MongoDB needs more than the half second that the embedded store is given. */
const PATIENT = { PAYMENT_TIMEOUT_MS: "1500", LEASE_MS: "2000" };

withServers(["mongo"], "payments in MongoDB, with the Toss adapter", ({ MONGO_URL = "" }) =>
  paymentSuite(sandboxLab, { MONGO_URL, ...PATIENT }),
);
withServers(["mongo"], "payments in MongoDB, with the Stripe adapter", ({ MONGO_URL = "" }) =>
  paymentSuite(stripeLab, { MONGO_URL, ...PATIENT }),
);
