/** Protocol gates and support: questions about a protocol, given or that of a table, which Rust answers. */
import type {
  DeltaProtocolCompatibility,
  DeltaProtocolSnapshot,
  EngineSupport,
  GateQuestion,
  GateVerdict,
  SupportQuestion,
} from "../schemas/generated/index.js";
import { engineSupport, protocolCompatibility, validateProtocolGate } from "./native.js";
import type { TableReads } from "./table-reads.js";

type Asked = Pick<GateQuestion, "snapshot" | "table" | "version" | "timestamp">;

export class Gates {
  readonly #reads: TableReads;

  constructor(reads: TableReads) {
    this.#reads = reads;
  }

  async validate({ gate, ...asked }: GateQuestion): Promise<GateVerdict> {
    return validateProtocolGate(await this.#protocol(asked), gate);
  }

  async support({ support, ...asked }: SupportQuestion): Promise<DeltaProtocolCompatibility> {
    return protocolCompatibility(await this.#protocol(asked), support ?? {});
  }

  /** What this engine covers. */
  engine(): EngineSupport {
    return engineSupport();
  }

  async #protocol({ snapshot, table, ...pin }: Asked): Promise<DeltaProtocolSnapshot> {
    return table === undefined ? (snapshot ?? {}) : this.#reads.protocol(table, pin);
  }
}
