//! Limit on the work that an expression may do for one flow.
//!
//! Macros such as `exists` visit the elements of a list, and nesting multiplies the visits. Before
//! a list is visited, a function that no expression can name charges its elements to a budget.

use std::cell::Cell;

use cel::common::ast::{CallExpr, EntryExpr, Expr};
use cel::common::types::{LIST_TYPE, MAP_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError, IdedExpr};

/// Steps that an expression may take for one flow.
pub(super) const BUDGET: u64 = 1_000_000;

/// Name of the function that charges the elements of its argument and returns the argument.
const CHARGED: &str = "@charged";

thread_local! {
    /// Steps left for the current flow.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// Starts the budget of the next flow.
pub(super) fn start() {
    LEFT.set(BUDGET);
}

/// Returns whether the budget of the current flow is used up.
pub(super) fn is_exceeded() -> bool {
    LEFT.get() == 0
}

/// Charges `steps` to the budget.
///
/// # Errors
///
/// An error if fewer are left.
pub(super) fn charge(steps: u64) -> Result<(), ExecutionError> {
    LEFT.set(LEFT.get().saturating_sub(steps));
    if is_exceeded() {
        return Err(ExecutionError::function_error(CHARGED, "out of steps"));
    }
    Ok(())
}

/// Declares the function.
///
/// # Errors
///
/// The reason why it cannot be declared.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_overload(CHARGED, "charged_list", vec![LIST_TYPE], charged)?;
    environment.add_overload(CHARGED, "charged_map", vec![MAP_TYPE], charged)
}

/// Returns an expression that charges each list before it visits the elements.
pub(super) fn limited(expression: &IdedExpr) -> IdedExpr {
    let mut limited = expression.clone();
    limit(&mut limited);
    limited
}

fn limit(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => {
            call.target.iter_mut().for_each(|target| limit(target));
            call.args.iter_mut().for_each(limit);
        }
        Expr::Comprehension(parts) => {
            limit(&mut parts.iter_range);
            limit(&mut parts.accu_init);
            limit(&mut parts.loop_cond);
            limit(&mut parts.loop_step);
            limit(&mut parts.result);
            let range = std::mem::take(&mut parts.iter_range);
            let id = range.id;
            let call = CallExpr { func_name: CHARGED.to_owned(), target: None, args: vec![range] };
            parts.iter_range = IdedExpr { id, expr: Expr::Call(call) };
        }
        Expr::List(list) => list.elements.iter_mut().for_each(limit),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    limit(&mut entry.key);
                    limit(&mut entry.value);
                }
            }
        }
        Expr::Select(select) => limit(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

fn charged<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = arguments.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let elements = value.as_sizer().map_or(0, |sized| *sized.size().inner());
    charge(u64::try_from(elements).unwrap_or(0).saturating_add(1))?;
    Ok(value)
}
