//! Parts of an expression as text, for messages.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

/// Maximum number of characters of a part in a message.
const MOST: usize = 60;

/// Returns the text of an expression, shortened.
pub(super) fn text(expression: &IdedExpr) -> String {
    let mut text = String::new();
    write(expression, &mut text);
    if text.chars().count() > MOST {
        text = text.chars().take(MOST).chain(['…']).collect();
    }
    text
}

fn write(expression: &IdedExpr, text: &mut String) {
    match &expression.expr {
        Expr::Call(call) => write_call(call, text),
        Expr::Ident(name) => text.push_str(name),
        Expr::List(list) => {
            text.push('[');
            write_all(&list.elements, text);
            text.push(']');
        }
        Expr::Literal(literal) => match literal {
            LiteralValue::Boolean(value) => text.push_str(&value.inner().to_string()),
            LiteralValue::Double(value) => text.push_str(&value.inner().to_string()),
            LiteralValue::Int(value) => text.push_str(&value.inner().to_string()),
            LiteralValue::String(value) => text.push_str(&format!("'{}'", value.inner())),
            LiteralValue::Null => text.push_str("null"),
            _ => text.push('…'),
        },
        Expr::Select(select) => {
            write(&select.operand, text);
            text.push('.');
            text.push_str(&select.field);
        }
        _ => text.push('…'),
    }
}

fn write_call(call: &CallExpr, text: &mut String) {
    match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
        (operators::INDEX, None, [list, place]) => {
            write(list, text);
            text.push('[');
            write(place, text);
            text.push(']');
        }
        (operators::CONDITIONAL, None, [condition, yes, no]) => {
            for (part, sign) in [(condition, " ? "), (yes, " : "), (no, "")] {
                write(part, text);
                text.push_str(sign);
            }
        }
        (name, None, [left, right]) if name.starts_with('_') => {
            let is_operand = |part: &IdedExpr| !matches!(&part.expr, Expr::Call(call) if call.func_name.starts_with('_'));
            for (part, sign) in [(left, sign(name)), (right, "")] {
                if is_operand(part) {
                    write(part, text);
                } else {
                    text.push('(');
                    write(part, text);
                    text.push(')');
                }
                if !sign.is_empty() {
                    text.push_str(&format!(" {sign} "));
                }
            }
        }
        (operators::NEGATE | operators::LOGICAL_NOT, None, [one]) => {
            text.push_str(sign(&call.func_name));
            write(one, text);
        }
        (name, target, arguments) => {
            if let Some(target) = target {
                write(target, text);
                text.push('.');
            }
            text.push_str(name);
            text.push('(');
            write_all(arguments, text);
            text.push(')');
        }
    }
}

fn write_all(parts: &[IdedExpr], text: &mut String) {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        write(part, text);
    }
}

/// Returns an operator as users write it: `&&` for `_&&_`.
pub(super) fn sign(operator: &str) -> &str {
    operator.trim_matches('_')
}
