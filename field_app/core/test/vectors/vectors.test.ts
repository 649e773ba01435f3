/** The language-neutral vectors of shared_schema/vectors, all of them. */
import { defineTopics } from "./runner";

await defineTopics();
