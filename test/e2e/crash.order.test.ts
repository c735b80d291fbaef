import { orderCrashPoints } from "../../services/order/order.crash-points";
import { crashes } from "./crashes";

crashes(orderCrashPoints);
