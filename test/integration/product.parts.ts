import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Meta } from "../../lib/actions";
import { won } from "../../lib/money";
import { nodeOf } from "../../lib/node";
import productService from "../../services/product/product.service";
import type { TestNode } from "./node";

export const ADMIN: Meta = { user: { id: "admin-1", roles: ["admin"], sid: "s" } };

export interface View {
  id: string;
  slug: string;
  name: string;
  category: string;
  status: string;
  createdAt: string;
  variants: { sku: string; name: string; price: { amount: number; currency: string }; available: number }[];
}

export interface ViewPage {
  items: View[];
  nextCursor: string | null;
}

let made = 0;
/** A product of one SKU with so much in stock, under names that no other test uses. */
export function aProduct(stock = 10, more: Record<string, unknown> = {}) {
  const number = ++made;
  const sku = `SKU-${number}`;
  return {
    name: `Thing ${number}`,
    category: "things",
    variants: [{ sku, name: "One", price: won(1000), stock }],
    ...more,
  };
}

export const create = (node: TestNode, params: object): Promise<View> => node.as<View>(ADMIN, "product.create", params);

/** Makes a product of one SKU; answers the SKU. */
export async function stocked(node: TestNode, stock: number): Promise<string> {
  const { variants } = await create(node, aProduct(stock));
  return variants[0]?.sku ?? "";
}

export const list = (node: TestNode, params: object = {}): Promise<ViewPage> =>
  node.as<ViewPage>({}, "product.list", params);
export const inventory = (node: TestNode, sku: string) =>
  node.as<{ available: number; reserved: number; sold: number }>(ADMIN, "product.inventory", { sku });
export const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

type Method = (...args: unknown[]) => unknown;
/** Called before each operation of a collection; may count, wait, or throw as a store that fails. */
export type Watch = (collection: string, operation: string) => Promise<void> | void;

/** The service on a store whose every operation is watched. */
export function watched(watch: Watch) {
  return (broker: ServiceBroker): ServiceSchema => {
    const { store } = nodeOf(broker);
    const make = store.collection.bind(store);
    store.collection = (service, options) =>
      new Proxy(make(service, options), {
        get(collection, operation: string) {
          const member: unknown = Reflect.get(collection, operation);
          if (typeof member !== "function" || operation === "open" || operation === "close") {
            return typeof member === "function" ? member.bind(collection) : member;
          }
          return async (...args: unknown[]) => {
            await watch(options.name, operation);
            return (member as Method).apply(collection, args);
          };
        },
      });
    return productService(broker);
  };
}
