/** The addon's surface, as native/binding/src makes it; every Buffer is MessagePack in a shape of schemas/. */

/** What went wrong, in place of the value. */
export interface Fault {
  fault: true;
  kind: string;
  code: string;
  message: string;
  line?: number;
  column?: number;
  details?: Buffer;
}

export interface Started {
  head: Buffer;
  chunk: Buffer;
  /** Whether the chunk is the whole body. */
  complete: boolean;
}

export declare function validateProtocolGate(snapshot: Buffer, gate: Buffer): Buffer | Fault;
export declare function protocolCompatibility(snapshot: Buffer, support: Buffer): Buffer | Fault;
export declare function engineSupport(): Buffer | Fault;

export declare class Engine {
  static open(config: Buffer): Engine | Fault;
  openSession(profile: Buffer, gate?: Buffer): Session | Fault;
  attachTable(name: string, spec: Buffer): Promise<Buffer | Fault>;
  detachTable(name: string): boolean;
  tables(): Promise<Buffer | Fault>;
  describeTable(name: string, selection: Buffer): Promise<Buffer | Fault>;
  tableSnapshot(name: string, selection: Buffer): Promise<Buffer | Fault>;
  tableSchema(name: string, selection: Buffer): Promise<Buffer | Fault>;
  tableHistory(name: string, request: Buffer): Promise<Buffer | Fault>;
  writeTable(request: Buffer): Promise<Buffer | Fault>;
}

export declare class Session {
  effectiveProfile(): Buffer | Fault;
  query(queryId: string, format: string, request: Buffer): Query;
  changes(queryId: string, format: string, request: Buffer): Query;
  tableFiles(name: string, request: Buffer): Promise<Buffer | Fault>;
  explain(request: Buffer): Promise<Buffer | Fault>;
}

export declare class Query {
  start(): Promise<Started | Fault>;
  next(): Promise<Buffer | null | Fault>;
  summary(): Buffer | Fault;
  cancel(): void;
}
