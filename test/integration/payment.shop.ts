import { eventually } from "./node";
import type { Lab } from "./payment.labs";
import { confirm, look, orderDouble, prepare, startPayment } from "./payment.parts";

export type MakeLab = () => Promise<Lab>;
/** Names another store than files; asked once for each shop, as nodes that share a store do each other's work. */
export type MakeEnvironment = () => Record<string, string>;
export type PaymentShop = Awaited<ReturnType<typeof openPaymentShop>>;

export const CHARGE = /POST .*(confirm|capture)/;

/** What was postponed a few times comes after some seconds, on a busy machine later. */
const PATIENCE_MS = 20_000;

/** A node that hosts `payment`, with a provider and a line to it of its own. */
export async function openPaymentShop(makeLab: MakeLab, environment: Record<string, string> = {}) {
  const lab = await makeLab();
  const order = orderDouble();
  const node = await startPayment(lab, order, environment);
  return {
    lab,
    order,
    node,
    async paid() {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      await confirm(node, payment, key);
      return { payment, key };
    },
    cut(how: string) {
      if (how === "break") lab.gate.breakAt = CHARGE;
      else lab.gate.mode = how === "refuse" ? "refuse" : "lose-answers";
    },
    settled: (payment: { id: string }, status: string, on = node) =>
      eventually(async () => {
        const seen = await look(on, payment);
        return seen.status === status && seen;
      }, PATIENCE_MS),
    told: ({ orderId }: { orderId: string }) => eventually(() => order.told.includes(orderId), PATIENCE_MS),
    /** The same store and provider once more, after the node was stopped. */
    restart: () => startPayment(lab, order, { ...environment, DATA_DIR: node.dataDir }),
    async stop() {
      lab.gate.open();
      await node.stop();
      await lab.stop();
    },
  };
}
