//! The registry's macro: one line a group gives a module, a variant of `Group`, a field of
//! `Measures` and the calls that measure it.

/// Declares the groups of columns, in the order of their columns.
///
/// Each line names a group and its module, which holds `GROUP`, the declaration of its columns, and
/// `State`, its state for each flow (`()` for none).
macro_rules! registry {
    ($($group:ident: $module:ident,)*) => {
        $(mod $module;)*

        /// Columns that a table has or lacks together.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Group {
            $(
                #[doc = concat!("The columns of `", stringify!($module), "`.")]
                $group,
            )*
        }

        impl Group {
            /// Every group, in the order of its columns.
            pub const ALL: [Self; [$(stringify!($group)),*].len()] = [$(Self::$group),*];

            /// Returns the name under which users select the group.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$group => stringify!($module),)* }
            }

            /// Returns what the group's module declares.
            pub const fn declaration(self) -> &'static Declaration {
                match self { $(Self::$group => &$module::GROUP,)* }
            }
        }

        /// The measurements of one flow. Those of groups that the run leaves out keep their
        /// initial values.
        #[derive(Clone, Debug, Default)]
        pub struct Measures {
            $($module: $module::State,)*
            connection: Connection,
        }

        impl Measures {
            /// Groups that keep something of each flow.
            const KEPT: Groups = Groups::NONE
                $(.with_if(<$module::State as Measurement>::IS_KEPT, Group::$group))*;

            /// Groups that [`add_rare`](Self::add_rare) measures.
            const RARE: Groups = Groups::NONE
                $(.with_if(!<$module::State as Measurement>::IS_USUAL, Group::$group))*;

            /// Returns whether measurements take memory beyond a fixed size in runs of `plan`.
            fn grow(plan: &Plan) -> bool {
                false $(|| plan.wants::<$module::State>(Group::$group)
                    && <$module::State as Measurement>::grows(plan))*
            }

            /// Returns the bytes that the measurements take in addition to a fixed size for each
            /// flow.
            #[inline]
            fn memory(&self) -> usize {
                0 $(+ self.$module.memory())*
            }

            /// Measures what only the first packet of a flow shows.
            fn begin(&mut self, plan: &Plan, sample: &Sample<'_>) {
                $(if plan.wants::<$module::State>(Group::$group) {
                    self.$module.begin(plan, sample);
                })*
            }

            /// Makes the usual measurements of a packet, and returns the bytes by which
            /// [`memory`](Self::memory) grows, modulo the range of the type.
            #[inline]
            fn add(&mut self, plan: &Plan, sample: &Sample<'_>) -> usize {
                let mut growth = 0_usize;
                $(if <$module::State as Measurement>::IS_USUAL
                    && plan.wants::<$module::State>(Group::$group)
                {
                    growth = growth.wrapping_add(self.$module.add_and_grow(plan, sample));
                })*
                growth
            }

            /// Makes the other measurements of a packet, and returns the same.
            #[inline]
            fn add_rare(&mut self, plan: &Plan, sample: &Sample<'_>) -> usize {
                let mut growth = 0_usize;
                $(if !<$module::State as Measurement>::IS_USUAL
                    && plan.wants::<$module::State>(Group::$group)
                {
                    growth = growth.wrapping_add(self.$module.add_and_grow(plan, sample));
                })*
                if plan.track_tcp
                    && let Some(segment) = sample.segment()
                {
                    self.connection.add(sample.direction, &segment);
                }
                growth
            }

            /// Clears the measurements for another flow, and keeps their memory.
            fn clear(&mut self, plan: &Plan) {
                $(if plan.wants::<$module::State>(Group::$group) {
                    self.$module.clear();
                })*
                self.connection = Connection::default();
            }

            /// Takes over what the flow's next slice starts with from the slice `before`.
            fn continue_from(&mut self, plan: &Plan, before: &Self) {
                $(if plan.wants::<$module::State>(Group::$group) {
                    self.$module.continue_from(&before.$module);
                })*
                self.connection = before.connection;
            }

            /// Prefetches the memory that the next packet of `direction` is measured in; `before`
            /// packets of the flow have been measured.
            #[inline]
            fn prefetch(&self, plan: &Plan, direction: Direction, before: u64) {
                $(if <$module::State as Measurement>::IS_USUAL
                    && plan.wants::<$module::State>(Group::$group)
                {
                    self.$module.prefetch(plan, direction, before);
                })*
                if plan.measures_rare() {
                    self.prefetch_rare(plan, direction, before);
                }
            }

            #[inline(never)]
            fn prefetch_rare(&self, plan: &Plan, direction: Direction, before: u64) {
                $(if !<$module::State as Measurement>::IS_USUAL
                    && plan.wants::<$module::State>(Group::$group)
                {
                    self.$module.prefetch(plan, direction, before);
                })*
            }
        }
    };
}
