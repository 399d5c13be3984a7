/** Whether a change may be made, given the revision of what is there; undefined when nothing is. */
export type Condition = (revision: string | undefined) => boolean;
