/** Protocol gates and support: questions about a protocol, given or that of a table, which Rust answers. */
import type {
  DeltaProtocolCompatibility,
  DeltaProtocolSnapshot,
  EngineSupport,
  GateQuestion,
  GateVerdict,
  SupportQuestion,
} from "../schemas/generated/index.js";
import { type Caller, requireVisible } from "./caller.js";
import { engineSupport, protocolCompatibility, validateProtocolGate } from "./native.js";
import type { TableReads } from "./table-reads.js";

type Asked = Pick<GateQuestion, "snapshot" | "table" | "version" | "timestamp">;

export class Gates {
  readonly #reads: TableReads;

  constructor(reads: TableReads) {
    this.#reads = reads;
  }

  async validate({ gate, ...asked }: GateQuestion, caller: Caller): Promise<GateVerdict> {
    return validateProtocolGate(await this.#protocol(asked, caller), gate);
  }

  async support({ support, ...asked }: SupportQuestion, caller: Caller): Promise<DeltaProtocolCompatibility> {
    return protocolCompatibility(await this.#protocol(asked, caller), support ?? {});
  }

  /** What this engine covers. */
  engine(): EngineSupport {
    return engineSupport();
  }

  async #protocol({ snapshot, table, ...pin }: Asked, caller: Caller): Promise<DeltaProtocolSnapshot> {
    if (table === undefined) return snapshot ?? {};
    requireVisible(caller, table, "table_not_found");
    return this.#reads.protocol(table, pin);
  }
}
