//! Nothing: the benches stand beside this folder, one file a question.
