import { sandboxLab } from "./payment.labs";
import { paymentSuite } from "./payment.suite";

describe("payments with the Toss adapter, against the sandbox", () => paymentSuite(sandboxLab));
