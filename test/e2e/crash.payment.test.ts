import { paymentCrashPoints } from "../../services/payment/payment.crash-points";
import { crashes } from "./crashes";

crashes(paymentCrashPoints);
