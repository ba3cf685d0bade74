//! Set of measures: an empty one in a build without the language of conditions.

#[cfg(not(feature = "where"))]
pub(super) use empty::MeasureSet;

#[cfg(feature = "where")]
pub(super) use crate::measure::MeasureSet;

#[cfg(not(feature = "where"))]
mod empty {
    use crate::features::{Column, Program};
    use crate::time::TimeUnit;

    /// Set of measures, always empty.
    #[derive(Clone, Debug, Default)]
    pub struct MeasureSet;

    impl MeasureSet {
        /// Returns an empty set.
        ///
        /// # Errors
        ///
        /// A message for any measure.
        pub fn parse<'a>(
            measures: impl IntoIterator<Item = (&'a str, &'a str)>,
        ) -> Result<Self, &'static str> {
            match measures.into_iter().next() {
                Some(_) => Err("measures need a build with the feature 'where'"),
                None => Ok(Self),
            }
        }

        /// Returns nothing.
        pub fn texts(&self) -> &[(String, String)] {
            &[]
        }

        /// Returns nothing.
        pub fn columns(&self) -> impl Iterator<Item = &'static Column> {
            std::iter::empty()
        }

        /// Returns nothing.
        pub fn compile(&self, _: TimeUnit) -> Option<&'static Program> {
            None
        }
    }
}
