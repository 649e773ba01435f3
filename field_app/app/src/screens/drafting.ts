/** Names of drafts: random, so that they say nothing. */
export const newDraft = (): string => crypto.randomUUID();
