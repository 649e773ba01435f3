/**
 * Hints: a sentence under a question where the label alone may mislead. Under every other there is none.
 *
 * By type and field; `*` is a field of every record.
 */

const HINTS: Readonly<Record<string, string>> = {
  "*.event_at": "It may be weeks before you write it down.",
  "*.do_not_raise": "It then stands out in red for everybody who reads this.",
  "*.corrects": "Mistakes are put right by a new record that names the old one.",
  "allocation.cover_until": "The last day.",
  "breach.files": "Files of this side whose keys were on the device, or in which it happened.",
  "case_note.contact": "Each worker who was there may write a note on it.",
  "case_note.body": "Write what you saw and heard. What colleagues add is a note of their own.",
  "case_note.suicide_or_self_harm": "“Concern” and “Act now” open an urgent alert.",
  "case_note.threat_to_someone": "“Concern” and “Act now” open an urgent alert.",
  "case_note.child_concern": "“Concern” and “Act now” open a safeguarding concern.",
  "case_note.handwritten_original": "Family courts ask for originals.",
  "case_review.present": "People of this side.",
  "case_status.status": "Closing is for a coordinator.",
  "closure.agreed_by": "Two people.",
  "consent.lawful_basis": "For keeping records this is not the consent to take part.",
  "contact.result": "An attempt that failed counts as well.",
  "contact.workers": "One contact, however many workers were there.",
  "contact_point.belongs_to": "Where it is shared, no message may say what it is about.",
  "disclosure.to": "Name, post and organisation.",
  "forum_action.owner_elsewhere": "Name, post and organisation.",
  "incident.where": "Never the address of somebody harmed that is not his.",
  "letter_request.free_text": "An action, never a fact.",
  "letter_request.why": "This stays on our side.",
  "letter_request.based_on": "Where she or a child is the only one who knows, nothing is said in free words.",
  "linked_person.called": "The first name that he uses. Never where she is, a number, a school or a plan.",
  "onward_referral.to": "The organisation.",
  "person.disability": "It is brought up before anyone writes a plan with this person.",
  "person.learning_or_literacy": "It is brought up before anyone writes a plan with this person.",
  "person.communication_needs": "It is brought up before anyone writes a plan with this person.",
  "referral.names": "Of the person who uses abuse.",
  "referral.victim_details_held": "Yes or no, and nothing else: the details are with the victim side.",
  "removal_request.why": "Without what is to go: this stays.",
  "risk_assessment.grid": "Whether it is used and how severe it is are two questions. None is an answer, and is not “not known”.",
  "risk_assessment.to_partner": "Four risks, four answers: they are never rolled into one.",
  "risk_assessment.based_on": "What rests on the victim’s word alone stays on the victim side.",
  "safe_contact.check_again_on": "Past this day, ring the coordinator first.",
  "safeguarding_concern.referred_to": "The organisation.",
  "spend.amount": "Put right by a reversal and a new spend.",
  "spend.removes_barrier": "The fund is there to take away money barriers to change.",
  "spend.for_whom": "Anything for her or for the children’s home is a spend on the victim side.",
  "spend.paid_how": "Own money makes a task to pay it back.",
  "spend.decisions": "By someone other than the spender.",
  "victim_safety_plan.planned_events": "A move or a hearing, for example. This never crosses to the other side.",
  "visit_plan.gate_seen": "What partner support said when you set out.",
};

export const hintFor = (type: string | undefined, field: string): string | undefined => HINTS[`${type ?? "*"}.${field}`];

/** For a test that each of them is about a question that there is. */
export const HINTED = Object.keys(HINTS);
