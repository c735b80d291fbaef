import { stripeLab } from "./payment.labs";
import { paymentSuite } from "./payment.suite";

describe("payments with the Stripe adapter", () => paymentSuite(stripeLab));
