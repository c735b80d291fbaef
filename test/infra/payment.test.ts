import { sandboxLab, stripeLab } from "../integration/payment.labs";
import { paymentSuite } from "../integration/payment.suite";
import { serverEnvironment, withServers } from "./servers";

/** A busy machine with a slow stand-in for MongoDB needs more than the half second that the embedded store is given. */
const PATIENT = { PAYMENT_TIMEOUT_MS: "1500", LEASE_MS: "2000" };

const inMongo = () => ({ MONGO_URL: serverEnvironment().MONGO_URL ?? "", ...PATIENT });

withServers(["mongo"], "payments in MongoDB, with the Toss adapter", () => paymentSuite(sandboxLab, inMongo));
withServers(["mongo"], "payments in MongoDB, with the Stripe adapter", () => paymentSuite(stripeLab, inMongo));
