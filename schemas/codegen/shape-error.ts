/** A shape that an emitter does not know, with the place where it stands. */
export class ShapeError extends Error {
  readonly pointer: string;

  constructor(reason: string, pointer = "") {
    super(reason);
    this.pointer = pointer;
  }
}

/** Runs what looks at a part of a schema, so that a shape error names the part. */
export function within<T>(part: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ShapeError(error.message, `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}${error.pointer}`);
  }
}

/** Runs what looks at a whole file, so that a shape error names it. */
export function inFile<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new Error(`schemas/${path}#${error.pointer}: ${error.message}`);
  }
}
