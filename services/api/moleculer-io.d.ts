declare module "moleculer-io" {
  import type { ServiceSchema } from "moleculer";

  const schema: Partial<ServiceSchema>;
  export = schema;
}
