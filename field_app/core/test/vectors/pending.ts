/** Codecs and operations that the vectors name and nobody has registered yet, one a line. Empty when the core is whole. */
export const PENDING: readonly string[] = [
  "act_hash",
  "box_info",
  "box_recipients",
  "check_approval",
  "check_help",
  "file",
  "file_take",
  "fresh",
  "help_digits",
  "open_answer",
  "open_box",
  "recipients",
  "take_checkpoint",
  "take_page",
  "take_registry_page",
  "unlock_bound",
];
