/** Who may call a route: those whose key or token has its scope, or everybody. */
import type { ErrorCode, Scope } from "../schemas/generated/index.js";

export interface Access {
  readonly scope: Scope | "open";
  /** What is answered where the relation that `:name` stands for is hidden from the caller; absent where it stands for none. */
  readonly hidden?: ErrorCode;
}

declare module "fastify" {
  interface FastifyContextConfig {
    readonly access?: Access;
  }
}

/** To be spread or put in the `config` of a route. */
export function access(scope: Access["scope"], hidden?: ErrorCode): { access: Access } {
  return { access: { scope, ...(hidden && { hidden }) } };
}
